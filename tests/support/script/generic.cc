#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;

KeyKind Sortable(Vocabulary& w) {
  static constexpr KeyKind kKinds[] = {KeyKind::kList, KeyKind::kSet, KeyKind::kZset};
  return kKinds[w.Number(3)];
}

CommandLine AnyKeys(Vocabulary& w, const char* name, int most) {
  CommandLine command{name};
  for (int i = 1 + w.Number(most); i > 0; --i) command.push_back(w.AnyKey());
  return command;
}

CommandLine Expire(Vocabulary& w) {
  static const char* const kNames[] = {"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"};
  static const char* const kOptions[] = {"NX", "XX", "GT", "LT", "gt", "bogus"};
  const std::string name = w.Pick(kNames);
  CommandLine command{name, w.AnyKey(),
                      name.ends_with("AT") ? w.Timestamp(name == "PEXPIREAT") : w.Seconds()};
  for (int i = w.OneIn(2) ? w.Number(3) : 0; i > 0; --i) command.push_back(w.Pick(kOptions));
  return command;
}

/// The order of elements of equal weight is nobody's promise; STORE only where there are none.
CommandLine Sort(Vocabulary& w) {
  const bool only_reads = w.OneIn(3);
  const KeyKind kind = Sortable(w);
  CommandLine command{only_reads ? "SORT_RO" : "SORT", w.OneIn(15) ? w.AnyKey() : w.Key(kind)};
  bool has_pattern = false;
  if (w.OneIn(3)) {
    static const char* const kBy[] = {"nosort", "str*", "weight_*", "hash1->*", "hash*->m1", "*"};
    command = Join(std::move(command), {w.Option("BY"), w.Pick(kBy)});
    has_pattern = true;
  }
  if (w.OneIn(3)) command = Join(std::move(command), {w.Option("LIMIT"), w.Index(), w.Count()});
  for (int i = w.OneIn(3) ? 1 + w.Number(2) : 0; i > 0; --i) {
    static const char* const kGet[] = {"#", "str*", "hash1->*", "hash*->m1", "none", "*->", "->x"};
    command = Join(std::move(command), {w.Option("GET"), w.Pick(kGet)});
  }
  if (w.OneIn(3)) command.push_back(w.Option(w.OneIn(2) ? "ASC" : "DESC"));
  if (!w.OneIn(3)) command.push_back(w.Option("ALPHA"));
  if ((!has_pattern && w.OneIn(3)) || (only_reads && w.OneIn(10))) {
    command = Join(std::move(command), {w.Option("STORE"), w.Key(KeyKind::kList)});
  }
  if (w.OneIn(30)) command.push_back("bogus");
  return command;
}

CommandLine Copy(Vocabulary& w) {
  CommandLine command{"COPY", w.AnyKey(), w.AnyKey()};
  for (int i = w.Number(3); i > 0; --i) {
    switch (w.Number(4)) {
      case 0:
      case 1:
        command = Join(std::move(command), {w.Option("DB"), w.Database()});
        break;
      case 2:
        command.push_back(w.Option("REPLACE"));
        break;
      default:
        if (w.OneIn(4)) command.push_back("bogus");
    }
  }
  return command;
}

CommandLine Object(Vocabulary& w) {
  static const char* const kNames[] = {"ENCODING", "ENCODING", "ENCODING", "encoding",
                                       "REFCOUNT", "IDLETIME", "FREQ",     "bogus"};
  return {"OBJECT", w.Pick(kNames), w.AnyKey()};
}

/// A payload that must be refused. Good ones come from DUMP; see differential.h.
CommandLine Restore(Vocabulary& w) {
  CommandLine command{"RESTORE", w.AnyKey(), w.OneIn(3) ? w.Integer() : "0", w.Value()};
  for (int i = w.Number(3); i > 0; --i) {
    static const char* const kOptions[] = {"REPLACE", "ABSTTL", "IDLETIME", "FREQ", "bogus"};
    command.push_back(w.Pick(kOptions));
    if (command.back() == "IDLETIME" || command.back() == "FREQ") command.push_back(w.Count());
  }
  return command;
}

CommandLine Scan(Vocabulary& w) {
  static const char* const kTypes[] = {"string", "list",   "set",   "zset",
                                       "hash",   "stream", "bogus", "STRING"};
  CommandLine command{"SCAN", w.OneIn(10) ? w.Integer() : "0"};
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("TYPE"), w.Pick(kTypes)});
  if (w.OneIn(3)) command = Join(std::move(command), {w.Option("MATCH"), w.Glob()});
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  return command;
}

constexpr Choice kChoices[] = {
    {36, AnyTypeCommand},
    {5, [](Vocabulary& w) { return AnyKeys(w, w.OneIn(2) ? "DEL" : "UNLINK", 3); }},
    {3, [](Vocabulary& w) { return AnyKeys(w, w.OneIn(2) ? "EXISTS" : "TOUCH", 3); }},
    {3, [](Vocabulary& w) -> CommandLine { return {"TYPE", w.AnyKey()}; }},
    {4, Expire},
    {3,
     [](Vocabulary& w) -> CommandLine {
       static const char* const kNames[] = {"EXPIRETIME", "PEXPIRETIME", "TTL", "PTTL"};
       return {w.Pick(kNames), w.AnyKey()};
     }},
    {1, [](Vocabulary& w) -> CommandLine { return {"PERSIST", w.AnyKey()}; }},
    {5,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(2) ? "RENAME" : "RENAMENX", w.AnyKey(), w.AnyKey()};
     }},
    {5, Copy},
    {3, [](Vocabulary& w) -> CommandLine { return {"MOVE", w.AnyKey(), w.Database()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"SELECT", w.Database()}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"SWAPDB", w.Database(), w.Database()}; }},
    {8, Sort},
    {3, Object},
    {4, [](Vocabulary& w) -> CommandLine { return {"DUMP", w.AnyKey()}; }},
    {2, Restore},
    {1, Scan},
    {1, [](Vocabulary& w) -> CommandLine { return {"KEYS", w.OneIn(2) ? "*" : w.Glob()}; }},
    {1, [](Vocabulary&) -> CommandLine { return {"RANDOMKEY"}; }},
    {1, [](Vocabulary&) -> CommandLine { return {"DBSIZE"}; }},
};

}  // namespace

CommandLine AnyTypeCommand(Vocabulary& words) {
  constexpr Choice kTypes[] = {{1, StringCommand},    {1, BitmapCommand}, {1, HyperLogLogCommand},
                               {1, ListCommand},      {1, SetCommand},    {1, HashCommand},
                               {1, SortedSetCommand}, {1, GeoCommand},    {1, StreamCommand}};
  return kTypes[words.Number(std::size(kTypes))].make(words);
}

CommandLine GenericCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
