#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kGeo;

/// Places are crowded around some points, so that searches find some and not others. No two have
/// the same distance from anywhere but by a rare accident.
std::string Degrees(Vocabulary& w, double limit) {
  static const char* const kOdd[] = {"nan", "inf", "abc", "", "181", "-181", "90", "-86"};
  if (w.OneIn(40)) return w.Pick(kOdd);
  const double width = w.OneIn(2) ? limit : limit / 60;
  return std::to_string(w.Real(-width, width));
}
std::string Longitude(Vocabulary& w) { return Degrees(w, 180.0); }
std::string Latitude(Vocabulary& w) { return Degrees(w, 85.05112878); }

std::string Place(Vocabulary& w) {
  return w.OneIn(20) ? w.Member() : "place" + std::to_string(w.Number(60));
}

std::string Distance(Vocabulary& w) {
  static const char* const kOdd[] = {"0", "-1", "nan", "inf", "abc", "", "1e300", "20000000"};
  if (w.OneIn(12)) return w.Pick(kOdd);
  return std::to_string(w.Real(0, 1) * (w.OneIn(3) ? 20000 : 500));
}

std::string UnitOf(Vocabulary& w) {
  static const char* const kUnits[] = {"km", "km", "km", "km", "mi", "KM", "m", "ft", "bogus"};
  return w.Pick(kUnits);
}

CommandLine Geoadd(Vocabulary& w) {
  static const char* const kOptions[] = {"NX", "XX", "CH", "ch", "bogus"};
  CommandLine command{"GEOADD", w.Key(kKind)};
  if (w.OneIn(3)) {
    for (int i = w.Number(3); i > 0; --i) command.push_back(w.Pick(kOptions));
  }
  for (int i = 1 + w.Number(w.OneIn(10) ? 200 : 5); i > 0; --i) {
    command = Join(std::move(command), {Longitude(w), Latitude(w), Place(w)});
  }
  return command;
}

CommandLine AddWhatToShow(Vocabulary& w, CommandLine command) {
  static const char* const kShown[] = {"WITHCOORD", "WITHDIST", "WITHHASH", "withdist", "bogus"};
  for (int i = w.Number(4); i > 0; --i) command.push_back(w.Pick(kShown));
  return command;
}

CommandLine AddOrder(Vocabulary& w, CommandLine command, bool may_be_any) {
  if (w.OneIn(2)) command.push_back(w.Option(w.OneIn(2) ? "ASC" : "DESC"));
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  if (may_be_any && w.OneIn(8)) command.push_back("ANY");
  return command;
}

CommandLine Georadius(Vocabulary& w) {
  const bool by_member = w.OneIn(2);
  const bool only_reads = w.OneIn(2);
  CommandLine command{
      std::string(by_member ? "GEORADIUSBYMEMBER" : "GEORADIUS") + (only_reads ? "_RO" : ""),
      w.Key(kKind)};
  if (by_member) {
    command.push_back(Place(w));
  } else {
    command = Join(std::move(command), {Longitude(w), Latitude(w)});
  }
  command = Join(std::move(command), {Distance(w), UnitOf(w)});
  const bool stores = w.OneIn(3);
  if (!stores || w.OneIn(10)) command = AddWhatToShow(w, std::move(command));
  command = AddOrder(w, std::move(command), !stores);
  if (stores) {
    command = Join(std::move(command), {w.OneIn(2) ? "STORE" : "STOREDIST", w.Key(kKind)});
  }
  return command;
}

CommandLine Geosearch(Vocabulary& w) {
  const bool stores = w.OneIn(3);
  CommandLine command{stores ? "GEOSEARCHSTORE" : "GEOSEARCH"};
  if (stores) command.push_back(w.Key(kKind));
  command.push_back(w.Key(kKind));
  if (w.OneIn(2)) {
    command = Join(std::move(command), {"FROMLONLAT", Longitude(w), Latitude(w)});
  } else {
    command = Join(std::move(command), {"FROMMEMBER", Place(w)});
  }
  if (w.OneIn(2)) {
    command = Join(std::move(command), {"BYRADIUS", Distance(w), UnitOf(w)});
  } else {
    command = Join(std::move(command), {"BYBOX", Distance(w), Distance(w), UnitOf(w)});
  }
  command = AddOrder(w, std::move(command), !stores);
  if (stores) {
    if (w.OneIn(2)) command.push_back("STOREDIST");
  } else {
    command = AddWhatToShow(w, std::move(command));
  }
  return command;
}

constexpr Choice kChoices[] = {
    {10, Geoadd},
    {5,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"GEODIST", w.Key(kKind), Place(w), Place(w)};
       if (w.OneIn(2)) command.push_back(UnitOf(w));
       return command;
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(2) ? "GEOPOS" : "GEOHASH", w.Key(kKind), Place(w), Place(w)};
     }},
    {7, Georadius},
    {9, Geosearch},
    {2, [](Vocabulary& w) -> CommandLine { return {"ZREM", w.Key(kKind), Place(w), Place(w)}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"ZADD", w.Key(kKind), w.Score(), Place(w)}; }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"ZRANGE", w.Key(kKind), "0", "-1", "WITHSCORES"};
     }},
    {1, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine GeoCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
