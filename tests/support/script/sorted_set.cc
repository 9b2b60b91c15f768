#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kZset;
constexpr KeyKind kLexKind = KeyKind::kLexZset;

/// A key for a command that combines: sets serve as well.
CommandLine Sources(Vocabulary& w, int most) {
  CommandLine keys = w.NumberedKeys(kKind, most);
  for (size_t i = 1; i < keys.size(); ++i) {
    if (w.OneIn(6)) keys[i] = w.Key(KeyKind::kSet);
  }
  return keys;
}

CommandLine Zadd(Vocabulary& w) {
  static const char* const kOptions[] = {"NX", "XX", "GT", "LT", "CH", "INCR", "gt", "bogus"};
  CommandLine command{"ZADD", w.Key(kKind)};
  const int many = w.Many();
  if (many < 10 && w.OneIn(2)) {
    for (int i = w.Number(3); i > 0; --i) command.push_back(w.Pick(kOptions));
  }
  for (int i = 0; i < many; ++i) {
    command.push_back(many < 10 ? w.Score() : std::to_string(w.Number(60)));
    command.push_back(many < 10 ? w.Member() : w.MemberOf(i));
  }
  if (w.OneIn(30)) command.push_back(w.Score());
  return command;
}

CommandLine AddLimit(Vocabulary& w, CommandLine command) {
  if (w.OneIn(3)) command = Join(std::move(command), {w.Option("LIMIT"), w.Index(), w.Count()});
  return command;
}

CommandLine Range(Vocabulary& w, CommandLine command) {
  static const char* const kBy[] = {"BYSCORE", "BYLEX", ""};
  const std::string by = w.Pick(kBy);
  command.push_back(w.Key(by == "BYLEX" ? kLexKind : kKind));
  for (int i = 0; i < 2; ++i) {
    if (by == "BYSCORE") {
      command.push_back(w.ScoreBound());
    } else if (by == "BYLEX") {
      command.push_back(w.LexBound());
    } else {
      command.push_back(w.Index());
    }
  }
  if (!by.empty()) command.push_back(w.Option(by.c_str()));
  if (w.OneIn(3)) command.push_back(w.Option("REV"));
  if (!by.empty() || w.OneIn(12)) command = AddLimit(w, std::move(command));
  if (w.OneIn(25)) command.push_back("bogus");
  return command;
}

CommandLine Zrange(Vocabulary& w) {
  CommandLine command = Range(w, {"ZRANGE"});
  if (w.OneIn(3)) command.push_back(w.Option("WITHSCORES"));
  return command;
}

CommandLine OldRange(Vocabulary& w) {
  CommandLine command;
  switch (w.Number(5)) {
    case 0:
      command = {"ZREVRANGE", w.Key(kKind), w.Index(), w.Index()};
      if (w.OneIn(2)) command.push_back(w.Option("WITHSCORES"));
      return command;
    case 1:
    case 2:
      command = {w.OneIn(2) ? "ZRANGEBYSCORE" : "ZREVRANGEBYSCORE", w.Key(kKind), w.ScoreBound(),
                 w.ScoreBound()};
      if (w.OneIn(2)) command.push_back(w.Option("WITHSCORES"));
      return AddLimit(w, std::move(command));
    default:
      command = {w.OneIn(2) ? "ZRANGEBYLEX" : "ZREVRANGEBYLEX", w.Key(kLexKind), w.LexBound(),
                 w.LexBound()};
      return AddLimit(w, std::move(command));
  }
}

CommandLine AddWeights(Vocabulary& w, CommandLine command, size_t sources) {
  if (w.OneIn(2)) {
    command.push_back(w.Option("WEIGHTS"));
    for (size_t i = sources + (w.OneIn(15) ? 1 : 0); i > 0; --i) {
      command.push_back(w.OneIn(3) ? w.Float() : w.Score());
    }
  }
  if (w.OneIn(2)) {
    static const char* const kHow[] = {"SUM", "MIN", "MAX", "max", "bogus"};
    command = Join(std::move(command), {w.Option("AGGREGATE"), w.Pick(kHow)});
  }
  return command;
}

CommandLine Combine(Vocabulary& w) {
  static const char* const kNames[] = {"ZUNION", "ZINTER", "ZDIFF"};
  const std::string name = w.Pick(kNames);
  const bool stores = w.OneIn(2);
  CommandLine command{name + (stores ? "STORE" : "")};
  if (stores) command.push_back(w.Key(kKind));
  const CommandLine sources = Sources(w, 3);
  command = Join(std::move(command), sources);
  if (name != "ZDIFF" || w.OneIn(15)) {
    command = AddWeights(w, std::move(command), sources.size() - 1);
  }
  if (!stores && w.OneIn(2)) command.push_back(w.Option("WITHSCORES"));
  return command;
}

CommandLine Zmpop(Vocabulary& w) {
  static const char* const kEnds[] = {"MIN", "MAX", "min", "bogus"};
  CommandLine command = Join({"ZMPOP"}, w.NumberedKeys(kKind, 3));
  command.push_back(w.Pick(kEnds));
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  return command;
}

CommandLine Scan(Vocabulary& w) {
  CommandLine command{"ZSCAN", w.Key(kKind), w.OneIn(10) ? w.Integer() : "0"};
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("MATCH"), w.Glob()});
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  return command;
}

CommandLine ZaddToLex(Vocabulary& w) {
  CommandLine command{"ZADD", w.Key(kLexKind)};
  const int many = w.Many();
  for (int i = 0; i < many; ++i) {
    command.push_back("1");
    command.push_back(many < 10 ? w.Member() : w.MemberOf(i));
  }
  return command;
}

constexpr Choice kChoices[] = {
    {16, Zadd},
    {5, ZaddToLex},
    {1, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kLexKind)}; }},
    {5,
     [](Vocabulary& w) -> CommandLine {
       return {"ZINCRBY", w.Key(kKind), w.OneIn(2) ? w.Float() : w.Score(), w.Member()};
     }},
    {5,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"ZREM", w.Key(kKind)};
       for (int i = 1 + w.Number(3); i > 0; --i) command.push_back(w.Member());
       return command;
     }},
    {2, [](Vocabulary& w) -> CommandLine { return {"ZCARD", w.Key(kKind)}; }},
    {3, [](Vocabulary& w) -> CommandLine { return {"ZSCORE", w.Key(kKind), w.Member()}; }},
    {2,
     [](Vocabulary& w) -> CommandLine {
       return {"ZMSCORE", w.Key(kKind), w.Member(), w.Member()};
     }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       return {w.OneIn(2) ? "ZRANK" : "ZREVRANK", w.Key(kKind), w.Member()};
     }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       return {"ZCOUNT", w.Key(kKind), w.ScoreBound(), w.ScoreBound()};
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       return {"ZLEXCOUNT", w.Key(kLexKind), w.LexBound(), w.LexBound()};
     }},
    {9, Zrange},
    {2,
     [](Vocabulary& w) -> CommandLine {
       return {"ZRANGE", w.Key(kKind), "0", "-1", "WITHSCORES"};
     }},
    {4, [](Vocabulary& w) -> CommandLine { return Range(w, {"ZRANGESTORE", w.Key(kKind)}); }},
    {8, OldRange},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"ZREMRANGEBYRANK", w.Key(kKind), w.Index(), w.Index()};
     }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"ZREMRANGEBYSCORE", w.Key(kKind), w.ScoreBound(), w.ScoreBound()};
     }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"ZREMRANGEBYLEX", w.Key(kLexKind), w.LexBound(), w.LexBound()};
     }},
    {4,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{w.OneIn(2) ? "ZPOPMIN" : "ZPOPMAX", w.Key(kKind)};
       if (w.OneIn(2)) command.push_back(w.Count());
       return command;
     }},
    {3, Zmpop},
    {1,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command = Zmpop(w);
       command[0] = "BZMPOP";
       command.insert(command.begin() + 1, w.Timeout());
       return command;
     }},
    {1,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command = Join({w.OneIn(2) ? "BZPOPMIN" : "BZPOPMAX"}, w.Keys(kKind, 3));
       command.push_back(w.Timeout());
       return command;
     }},
    {3,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"ZRANDMEMBER", w.Key(kKind)};
       if (w.OneIn(4)) return command;
       command.push_back(w.RepeatCount());
       if (w.OneIn(2)) command.push_back(w.Option(w.OneIn(8) ? "bogus" : "WITHSCORES"));
       return command;
     }},
    {9, Combine},
    {2,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command = Join({"ZINTERCARD"}, Sources(w, 3));
       if (w.OneIn(2)) command = Join(std::move(command), {w.Option("LIMIT"), w.Count()});
       return command;
     }},
    {2, Scan},
    {1,
     [](Vocabulary& w) -> CommandLine {
       return {"SADD", w.Key(KeyKind::kSet), w.Member(), w.Member(), w.Member()};
     }},
    {2, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine SortedSetCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
