#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kList;

std::string Side(Vocabulary& w) {
  static const char* const kSides[] = {"LEFT", "RIGHT", "LEFT", "RIGHT", "left", "bogus"};
  return w.Pick(kSides);
}

CommandLine Push(Vocabulary& w) {
  static const char* const kNames[] = {"LPUSH", "RPUSH", "RPUSH", "LPUSHX", "RPUSHX"};
  CommandLine command{w.Pick(kNames), w.Key(kKind)};
  for (int i = w.Many(); i > 0; --i) command.push_back(w.Member());
  return command;
}

CommandLine Pop(Vocabulary& w) {
  CommandLine command{w.OneIn(2) ? "LPOP" : "RPOP", w.Key(kKind)};
  if (w.OneIn(2)) command.push_back(w.Count());
  return command;
}

CommandLine Lpos(Vocabulary& w) {
  CommandLine command{"LPOS", w.Key(kKind), w.Member()};
  for (int i = w.Number(3); i > 0; --i) {
    static const char* const kOptions[] = {"RANK", "COUNT", "MAXLEN", "bogus"};
    command.push_back(w.Option(w.Pick(kOptions).c_str()));
    if (!w.OneIn(12)) command.push_back(w.OneIn(3) ? w.Integer() : w.Count());
  }
  return command;
}

CommandLine Lmpop(Vocabulary& w) {
  CommandLine command = Join({"LMPOP"}, w.NumberedKeys(kKind, 3));
  command.push_back(Side(w));
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  return command;
}

CommandLine Blmpop(Vocabulary& w) {
  CommandLine command = Lmpop(w);
  command[0] = "BLMPOP";
  command.insert(command.begin() + 1, w.Timeout());
  return command;
}

constexpr Choice kChoices[] = {
    {14, Push},
    {4, Pop},
    {3, [](Vocabulary& w) -> CommandLine { return {"LLEN", w.Key(kKind)}; }},
    {4, [](Vocabulary& w) -> CommandLine { return {"LINDEX", w.Key(kKind), w.Index()}; }},
    {4, [](Vocabulary& w) -> CommandLine { return {"LSET", w.Key(kKind), w.Index(), w.Member()}; }},
    {5,
     [](Vocabulary& w) -> CommandLine { return {"LRANGE", w.Key(kKind), w.Index(), w.Index()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"LRANGE", w.Key(kKind), "0", "-1"}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"LTRIM", w.Key(kKind), w.Index(), w.Index()}; }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"LTRIM", w.Key(kKind), std::to_string(w.Number(300) - 10), "-1"};
     }},
    {4, [](Vocabulary& w) -> CommandLine { return {"LREM", w.Key(kKind), w.Count(), w.Member()}; }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       static const char* const kWhere[] = {"BEFORE", "AFTER", "before", "bogus"};
       return {"LINSERT", w.Key(kKind), w.Pick(kWhere), w.Member(), w.Member()};
     }},
    {4, Lpos},
    {4,
     [](Vocabulary& w) -> CommandLine {
       return {"LMOVE", w.Key(kKind), w.Key(kKind), Side(w), Side(w)};
     }},
    {2, [](Vocabulary& w) -> CommandLine { return {"RPOPLPUSH", w.Key(kKind), w.Key(kKind)}; }},
    {3, Lmpop},
    {1, Blmpop},
    {1,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command = Join({w.OneIn(2) ? "BLPOP" : "BRPOP"}, w.Keys(kKind, 3));
       command.push_back(w.Timeout());
       return command;
     }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"BLMOVE", w.Key(kKind), w.Key(kKind), Side(w), Side(w), w.Timeout()};
     }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"BRPOPLPUSH", w.Key(kKind), w.Key(kKind), w.Timeout()};
     }},
    {1, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine ListCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
