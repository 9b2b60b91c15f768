#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kString;

CommandLine Set(Vocabulary& w) {
  CommandLine command{"SET", w.Key(kKind), w.Value()};
  for (int i = w.Number(4); i > 0; --i) {
    static const char* const kOptions[] = {"NX", "XX", "GET", "KEEPTTL", "nx", "get", "bogus"};
    static const char* const kTimed[] = {"EX", "PX", "EXAT", "PXAT", "ex"};
    if (w.OneIn(2)) {
      command.push_back(w.Pick(kOptions));
    } else {
      const std::string option = w.Pick(kTimed);
      command.push_back(option);
      if (!w.OneIn(10)) command.push_back(w.Timestamp(option == "PXAT"));
    }
  }
  return command;
}

CommandLine Getex(Vocabulary& w) {
  static const char* const kOptions[] = {"EX", "PX", "EXAT", "PXAT", "PERSIST", "KEEPTTL"};
  CommandLine command{"GETEX", w.Key(kKind)};
  for (int i = w.Number(3); i > 0; --i) {
    const std::string option = w.Pick(kOptions);
    command.push_back(option);
    if (option != "PERSIST") command.push_back(w.Timestamp(option == "PXAT"));
  }
  return command;
}

CommandLine Pairs(Vocabulary& w, const char* name) {
  CommandLine command{name};
  for (int i = 1 + w.Number(3); i > 0; --i) {
    command.push_back(w.Key(kKind));
    command.push_back(w.Value());
  }
  if (w.OneIn(10)) command.push_back(w.Key(kKind));
  return command;
}

CommandLine Lcs(Vocabulary& w) {
  static const char* const kOptions[] = {"LEN", "IDX", "WITHMATCHLEN", "bogus"};
  CommandLine command{"LCS", w.Key(kKind), w.Key(kKind)};
  for (int i = w.Number(3); i > 0; --i) command.push_back(w.Pick(kOptions));
  if (w.OneIn(4)) command = Join(std::move(command), {"MINMATCHLEN", w.Count()});
  return command;
}

constexpr Choice kChoices[] = {
    {6, Set},
    {2, [](Vocabulary& w) -> CommandLine { return {"SET", w.Key(kKind), w.Integer()}; }},
    {4, [](Vocabulary& w) -> CommandLine { return {"GET", w.Key(kKind)}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"GETSET", w.Key(kKind), w.Value()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"GETDEL", w.Key(kKind)}; }},
    {3, Getex},
    {2, [](Vocabulary& w) { return Join({"MGET"}, w.Keys(kKind, 4)); }},
    {2, [](Vocabulary& w) { return Pairs(w, "MSET"); }},
    {2, [](Vocabulary& w) { return Pairs(w, "MSETNX"); }},
    {3, [](Vocabulary& w) -> CommandLine { return {w.OneIn(2) ? "INCR" : "DECR", w.Key(kKind)}; }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(2) ? "INCRBY" : "DECRBY", w.Key(kKind), w.Integer()};
     }},
    {3, [](Vocabulary& w) -> CommandLine { return {"INCRBYFLOAT", w.Key(kKind), w.Float()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"APPEND", w.Key(kKind), w.Value()}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"STRLEN", w.Key(kKind)}; }},
    {2, [](Vocabulary& w) -> CommandLine { return {"SETNX", w.Key(kKind), w.Value()}; }},
    {2,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(2) ? "SETEX" : "PSETEX", w.Key(kKind), w.Seconds(), w.Value()};
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(3) ? "SUBSTR" : "GETRANGE", w.Key(kKind), w.Integer(), w.Integer()};
     }},
    {2,
     [](Vocabulary& w) -> CommandLine {
       const std::string offset = std::to_string(w.Number(80) - 4);
       return {"SETRANGE", w.Key(kKind), offset, w.Value()};
     }},
    {3, Lcs},
    {1, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine StringCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
