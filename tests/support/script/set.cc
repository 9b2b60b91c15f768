#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kSet;

/// Adds few members, or a run of integers and other members around a limit of encodings.
CommandLine Sadd(Vocabulary& w) {
  CommandLine command{"SADD", w.Key(kKind)};
  const int many = w.Many();
  if (many < 10) {
    const bool only_integers = w.OneIn(2);
    for (int i = many; i > 0; --i) {
      command.push_back(only_integers ? std::to_string(w.Number(40) - 20) : w.Member());
    }
    return command;
  }
  const bool only_integers = w.OneIn(2);
  for (int i = 0; i < many; ++i) {
    command.push_back(only_integers ? std::to_string(i) : w.MemberOf(i));
  }
  return command;
}

CommandLine Combine(Vocabulary& w) {
  static const char* const kNames[] = {"SDIFF", "SINTER", "SUNION"};
  return Join({w.Pick(kNames)}, w.Keys(kKind, 3));
}

CommandLine CombineAndStore(Vocabulary& w) {
  static const char* const kNames[] = {"SDIFFSTORE", "SINTERSTORE", "SUNIONSTORE"};
  return Join({w.Pick(kNames), w.Key(kKind)}, w.Keys(kKind, 3));
}

CommandLine Scan(Vocabulary& w) {
  CommandLine command{"SSCAN", w.Key(kKind), w.OneIn(10) ? w.Integer() : "0"};
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("MATCH"), w.Glob()});
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  if (w.OneIn(15)) command.push_back("bogus");
  return command;
}

constexpr Choice kChoices[] = {
    {14, Sadd},
    {5,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"SREM", w.Key(kKind)};
       for (int i = 1 + w.Number(4); i > 0; --i) command.push_back(w.Member());
       return command;
     }},
    {3, [](Vocabulary& w) -> CommandLine { return {"SCARD", w.Key(kKind)}; }},
    {3, [](Vocabulary& w) -> CommandLine { return {"SISMEMBER", w.Key(kKind), w.Member()}; }},
    {2,
     [](Vocabulary& w) -> CommandLine {
       return {"SMISMEMBER", w.Key(kKind), w.Member(), w.Member(), w.Member()};
     }},
    {4, [](Vocabulary& w) -> CommandLine { return {"SMEMBERS", w.Key(kKind)}; }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       return {"SMOVE", w.Key(kKind), w.Key(kKind), w.Member()};
     }},
    {2,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"SPOP", w.Key(kKind)};
       if (w.OneIn(2)) command.push_back(w.OneIn(6) ? "1000" : w.Count());
       return command;
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"SRANDMEMBER", w.Key(kKind)};
       if (!w.OneIn(4)) command.push_back(w.RepeatCount());
       return command;
     }},
    {6, Combine},
    {6, CombineAndStore},
    {4,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command = Join({"SINTERCARD"}, w.NumberedKeys(kKind, 3));
       if (w.OneIn(2)) command = Join(std::move(command), {w.Option("LIMIT"), w.Count()});
       return command;
     }},
    {2, Scan},
    {2, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine SetCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
