#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kHyperLogLog;

CommandLine Pfadd(Vocabulary& w) {
  CommandLine command{"PFADD", w.Key(kKind)};
  if (w.OneIn(15)) return command;
  // Some hundreds of members make a sparse one dense.
  const int many = w.OneIn(20) ? 600 : w.Many();
  for (int i = 0; i < many; ++i) command.push_back("member" + std::to_string(w.Number(5000)));
  if (w.OneIn(4)) command.push_back(w.Member());
  return command;
}

CommandLine Pfdebug(Vocabulary& w) {
  static const char* const kNames[] = {"ENCODING", "GETREG", "DECODE", "TODENSE", "bogus"};
  return {"PFDEBUG", w.Pick(kNames), w.Key(kKind)};
}

/// A string that is no HyperLogLog, or nearly one.
CommandLine SetString(Vocabulary& w) {
  static const char* const kHeads[] = {"HYLL", "HYLL\x01", "hyll", ""};
  std::string value = w.Pick(kHeads);
  if (w.OneIn(2)) value.resize(16, '\0');
  // Redis reads past the end of a run of two octets that is cut in half: the last one here is
  // whole.
  if (w.OneIn(2)) value += w.Value() + "\x80";
  return {"SET", w.Key(kKind), value};
}

constexpr Choice kChoices[] = {
    {12, Pfadd},
    {5, [](Vocabulary& w) { return Join({"PFCOUNT"}, w.Keys(kKind, w.OneIn(2) ? 1 : 3)); }},
    {4, [](Vocabulary& w) { return Join({"PFMERGE"}, w.Keys(kKind, 4)); }},
    {3, Pfdebug},
    {2, [](Vocabulary& w) -> CommandLine { return {"GET", w.Key(kKind)}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"STRLEN", w.Key(kKind)}; }},
    {1, SetString},
    {2, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine HyperLogLogCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
