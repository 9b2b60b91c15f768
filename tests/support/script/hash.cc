#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kHash;

CommandLine Hset(Vocabulary& w) {
  CommandLine command{w.OneIn(4) ? "HMSET" : "HSET", w.Key(kKind)};
  const int many = w.Many();
  for (int i = 0; i < many; ++i) {
    command.push_back(many < 10 ? w.Member() : w.MemberOf(i));
    command.push_back(w.OneIn(3) ? w.Value() : w.Integer());
  }
  if (w.OneIn(25)) command.push_back(w.Member());
  return command;
}

CommandLine Fields(Vocabulary& w, const char* name) {
  CommandLine command{name, w.Key(kKind)};
  for (int i = 1 + w.Number(4); i > 0; --i) command.push_back(w.Member());
  return command;
}

CommandLine Scan(Vocabulary& w) {
  CommandLine command{"HSCAN", w.Key(kKind), w.OneIn(10) ? w.Integer() : "0"};
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("MATCH"), w.Glob()});
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  if (w.OneIn(15)) command.push_back("bogus");
  return command;
}

constexpr Choice kChoices[] = {
    {14, Hset},
    {3,
     [](Vocabulary& w) -> CommandLine { return {"HSETNX", w.Key(kKind), w.Member(), w.Value()}; }},
    {5, [](Vocabulary& w) -> CommandLine { return {"HGET", w.Key(kKind), w.Member()}; }},
    {3, [](Vocabulary& w) { return Fields(w, "HMGET"); }},
    {5, [](Vocabulary& w) { return Fields(w, "HDEL"); }},
    {2, [](Vocabulary& w) -> CommandLine { return {"HLEN", w.Key(kKind)}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"HSTRLEN", w.Key(kKind), w.Member()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"HEXISTS", w.Key(kKind), w.Member()}; }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       static const char* const kNames[] = {"HGETALL", "HKEYS", "HVALS"};
       return {w.Pick(kNames), w.Key(kKind)};
     }},
    {6,
     [](Vocabulary& w) -> CommandLine {
       return {"HINCRBY", w.Key(kKind), w.Member(), w.Integer()};
     }},
    {5,
     [](Vocabulary& w) -> CommandLine {
       return {"HINCRBYFLOAT", w.Key(kKind), w.Member(), w.OneIn(2) ? w.Float() : w.Score()};
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"HRANDFIELD", w.Key(kKind)};
       if (w.OneIn(4)) return command;
       command.push_back(w.RepeatCount());
       if (w.OneIn(2)) command.push_back(w.Option(w.OneIn(8) ? "bogus" : "WITHVALUES"));
       return command;
     }},
    {2, Scan},
    {2, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine HashCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
