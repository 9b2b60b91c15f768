#include <cstdint>
#include <string>
#include <utility>

#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kStream;

std::string Id(Vocabulary& w) {
  static const char* const kOdd[] = {"0",
                                     "0-0",
                                     "18446744073709551615-18446744073709551615",
                                     "18446744073709551615",
                                     "18446744073709551616",
                                     "-1",
                                     "1-",
                                     "-",
                                     "abc",
                                     "",
                                     "1-1-1",
                                     "1-x",
                                     "01-01",
                                     " 1",
                                     "+1-+1",
                                     "1--1",
                                     "1--01"};
  if (w.OneIn(25)) return w.Pick(kOdd);
  const std::string ms = std::to_string(1 + w.Number(120));
  return w.OneIn(3) ? ms : ms + "-" + std::to_string(w.Number(4));
}

/// An id for a new entry. A script that only climbed would soon be over: keys are deleted often.
std::string NewId(Vocabulary& w) {
  if (w.OneIn(3)) return std::to_string(1 + w.Number(120)) + "-*";
  return Id(w);
}

std::string RangeEnd(Vocabulary& w, const char* open) {
  if (w.OneIn(3)) return open;
  return (w.OneIn(5) ? "(" : "") + Id(w);
}

/// A number of entries, but not the greatest: redis-server counts on to negative ones from there
/// (docs/differences.md).
std::string Counter(Vocabulary& w) {
  std::string count = w.Count();
  return count == std::to_string(INT64_MAX) ? "1" : count;
}

std::string GroupName(Vocabulary& w) {
  static const char* const kNames[] = {"g1", "g1", "g1", "g2", "g2", "none", ""};
  return w.Pick(kNames);
}

std::string Consumer(Vocabulary& w) {
  static const char* const kNames[] = {"c1", "c2", "c3", "c1", ""};
  return w.Pick(kNames);
}

/// Ages that everything or nothing has reached.
std::string MinIdle(Vocabulary& w) {
  static const char* const kIdles[] = {"0", "0", "0", "0", "0", "100000000", "-1", "x"};
  return w.Pick(kIdles);
}

CommandLine Trimming(Vocabulary& w) {
  CommandLine words;
  const bool by_length = w.OneIn(2);
  words.push_back(w.Option(by_length ? "MAXLEN" : "MINID"));
  const bool is_rough = w.OneIn(5);
  if (is_rough) {
    words.push_back("~");
  } else if (w.OneIn(3)) {
    words.push_back("=");
  }
  if (by_length) {
    words.push_back(w.OneIn(10) ? w.Integer() : std::to_string(w.Number(30)));
  } else {
    words.push_back(Id(w));
  }
  if ((is_rough && w.OneIn(2)) || w.OneIn(20)) {
    words = Join(std::move(words), {w.Option("LIMIT"), w.Count()});
  }
  return words;
}

CommandLine Fields(Vocabulary& w, CommandLine command) {
  for (int i = 1 + w.Number(3); i > 0; --i) {
    // The same names as the entry before, mostly: such entries are kept in another form.
    command.push_back(w.OneIn(4) ? w.Member() : "field" + std::to_string(i));
    command.push_back(w.OneIn(3) ? w.Value() : w.Integer());
  }
  if (w.OneIn(30)) command.push_back("alone");
  return command;
}

CommandLine Xadd(Vocabulary& w) {
  CommandLine command{"XADD", w.Key(kKind)};
  if (w.OneIn(8)) command.push_back("NOMKSTREAM");
  if (w.OneIn(8)) command = Join(std::move(command), Trimming(w));
  command.push_back(NewId(w));
  return Fields(w, std::move(command));
}

CommandLine Xgroup(Vocabulary& w) {
  switch (w.Number(9)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      CommandLine command{"XGROUP", "CREATE", w.Key(kKind), GroupName(w),
                          w.OneIn(2) ? "$" : (w.OneIn(2) ? "0" : Id(w))};
      if (w.OneIn(2)) command.push_back(w.Option("MKSTREAM"));
      if (w.OneIn(4)) command = Join(std::move(command), {"ENTRIESREAD", Counter(w)});
      return command;
    }
    case 4: {
      CommandLine command{"XGROUP", "SETID", w.Key(kKind), GroupName(w), w.OneIn(2) ? "0" : Id(w)};
      if (w.OneIn(4)) command = Join(std::move(command), {"ENTRIESREAD", Counter(w)});
      return command;
    }
    case 5:
      return {"XGROUP", "DESTROY", w.Key(kKind), GroupName(w)};
    case 6:
      return {"XGROUP", "CREATECONSUMER", w.Key(kKind), GroupName(w), Consumer(w)};
    case 7:
      return {"XGROUP", "DELCONSUMER", w.Key(kKind), GroupName(w), Consumer(w)};
    default:
      return {"XGROUP", "bogus", w.Key(kKind), GroupName(w)};
  }
}

CommandLine AddStreams(Vocabulary& w, CommandLine command, bool as_group) {
  command.push_back(w.Option("STREAMS"));
  const CommandLine keys = w.Keys(kKind, 3);
  command = Join(std::move(command), keys);
  for (size_t i = keys.size() + (w.OneIn(30) ? 1 : 0); i > 0; --i) {
    if (as_group && !w.OneIn(4)) {
      command.push_back(">");
    } else if (w.OneIn(8)) {
      command.push_back(w.OneIn(2) ? "$" : ">");
    } else {
      command.push_back(w.OneIn(2) ? "0" : Id(w));
    }
  }
  return command;
}

CommandLine AddCountAndBlock(Vocabulary& w, CommandLine command) {
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  if (w.OneIn(20)) {
    static const char* const kTimes[] = {"1", "1", "-1", "x", "1.5"};
    command = Join(std::move(command), {w.Option("BLOCK"), w.Pick(kTimes)});
  }
  return command;
}

CommandLine Xread(Vocabulary& w) { return AddStreams(w, AddCountAndBlock(w, {"XREAD"}), false); }

CommandLine Xreadgroup(Vocabulary& w) {
  CommandLine command{"XREADGROUP", w.Option("GROUP"), GroupName(w), Consumer(w)};
  command = AddCountAndBlock(w, std::move(command));
  if (w.OneIn(4)) command.push_back(w.Option("NOACK"));
  return AddStreams(w, std::move(command), true);
}

CommandLine Xclaim(Vocabulary& w) {
  CommandLine command{"XCLAIM", w.Key(kKind), GroupName(w), Consumer(w), MinIdle(w)};
  for (int i = 1 + w.Number(5); i > 0; --i) command.push_back(Id(w));
  for (int i = w.Number(3); i > 0; --i) {
    switch (w.Number(7)) {
      case 0:
        command = Join(std::move(command), {"IDLE", w.Count()});
        break;
      case 1:
        command = Join(std::move(command), {"TIME", w.Count()});
        break;
      case 2:
        command = Join(std::move(command), {"RETRYCOUNT", w.Count()});
        break;
      case 3:
        command.push_back(w.Option("FORCE"));
        break;
      case 4:
        command.push_back(w.Option("JUSTID"));
        break;
      case 5:
        command = Join(std::move(command), {"LASTID", Id(w)});
        break;
      default:
        command.push_back("bogus");
    }
  }
  return command;
}

CommandLine Xautoclaim(Vocabulary& w) {
  CommandLine command{"XAUTOCLAIM", w.Key(kKind), GroupName(w),
                      Consumer(w),  MinIdle(w),   w.OneIn(2) ? "0" : Id(w)};
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  if (w.OneIn(3)) command.push_back(w.Option("JUSTID"));
  return command;
}

CommandLine Xpending(Vocabulary& w) {
  CommandLine command{"XPENDING", w.Key(kKind), GroupName(w)};
  if (w.OneIn(3)) return command;
  if (w.OneIn(4)) command = Join(std::move(command), {w.Option("IDLE"), MinIdle(w)});
  command = Join(std::move(command), {RangeEnd(w, "-"), RangeEnd(w, "+"), w.Count()});
  if (w.OneIn(3)) command.push_back(Consumer(w));
  return command;
}

CommandLine Xinfo(Vocabulary& w) {
  switch (w.Number(6)) {
    case 0:
      return {"XINFO", "GROUPS", w.Key(kKind)};
    case 1:
      return {"XINFO", "CONSUMERS", w.Key(kKind), GroupName(w)};
    case 2:
      return {"XINFO", "STREAM", w.Key(kKind), w.OneIn(8) ? "bogus" : "FULL"};
    case 3:
      return {"XINFO", "STREAM", w.Key(kKind), "FULL", "COUNT", w.Count()};
    case 4:
      return {"XINFO", "bogus", w.Key(kKind)};
    default:
      return {"XINFO", "STREAM", w.Key(kKind)};
  }
}

CommandLine Xrange(Vocabulary& w) {
  const bool is_reverse = w.OneIn(2);
  CommandLine command{is_reverse ? "XREVRANGE" : "XRANGE", w.Key(kKind)};
  command.push_back(RangeEnd(w, is_reverse ? "+" : "-"));
  command.push_back(RangeEnd(w, is_reverse ? "-" : "+"));
  if (w.OneIn(2)) command = Join(std::move(command), {w.Option("COUNT"), w.Count()});
  return command;
}

CommandLine Xsetid(Vocabulary& w) {
  CommandLine command{"XSETID", w.Key(kKind), Id(w)};
  if (w.OneIn(3)) command = Join(std::move(command), {"ENTRIESADDED", Counter(w)});
  if (w.OneIn(3)) command = Join(std::move(command), {"MAXDELETEDID", Id(w)});
  return command;
}

CommandLine Ids(Vocabulary& w, CommandLine command, int most) {
  for (int i = 1 + w.Number(most); i > 0; --i) command.push_back(Id(w));
  return command;
}

constexpr Choice kChoices[] = {
    {26, Xadd},
    {2, [](Vocabulary& w) -> CommandLine { return {"XLEN", w.Key(kKind)}; }},
    {6, Xrange},
    {4, [](Vocabulary& w) { return Ids(w, {"XDEL", w.Key(kKind)}, 6); }},
    {3, [](Vocabulary& w) { return Join({"XTRIM", w.Key(kKind)}, Trimming(w)); }},
    {4, Xread},
    {8, Xgroup},
    {9, Xreadgroup},
    {4, [](Vocabulary& w) { return Ids(w, {"XACK", w.Key(kKind), GroupName(w)}, 5); }},
    {4, Xclaim},
    {3, Xautoclaim},
    {4, Xpending},
    {4, Xinfo},
    {1, Xsetid},
    {2, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

CommandLine Xnack(Vocabulary& w) {
  static const char* const kModes[] = {"SILENT", "FAIL", "FATAL", "bogus"};
  CommandLine command{"XNACK", w.Key(kKind), GroupName(w), w.Pick(kModes), "IDS"};
  const int count = 1 + w.Number(4);
  command.push_back(w.OneIn(10) ? w.Count() : std::to_string(count));
  for (int i = 0; i < count; ++i) command.push_back(Id(w));
  if (w.OneIn(3)) command = Join(std::move(command), {"RETRYCOUNT", w.Count()});
  if (w.OneIn(2)) command.push_back("FORCE");
  return command;
}

CommandLine XreadgroupClaim(Vocabulary& w) {
  CommandLine command{"XREADGROUP", "GROUP", GroupName(w), Consumer(w), "CLAIM", MinIdle(w)};
  if (w.OneIn(2)) command = Join(std::move(command), {"COUNT", w.Count()});
  if (w.OneIn(5)) command.push_back("NOACK");
  return Join(std::move(command), {"STREAMS", w.Key(kKind), ">"});
}

CommandLine XaddOfProducer(Vocabulary& w) {
  CommandLine command{"XADD", w.Key(kKind)};
  if (w.OneIn(4)) command = Join(std::move(command), Trimming(w));
  const std::string producer = "p" + std::to_string(w.Number(3));
  if (w.OneIn(2)) {
    command = Join(std::move(command), {"IDMPAUTO", producer});
  } else {
    command = Join(std::move(command), {"IDMP", producer, std::to_string(w.Number(8))});
  }
  return Join(std::move(command), {"*", "f", std::to_string(w.Number(5))});
}

CommandLine Xcfgset(Vocabulary& w) {
  return {"XCFGSET", w.Key(kKind), w.OneIn(2) ? "IDMP-MAXSIZE" : "IDMP-DURATION",
          std::to_string(1 + w.Number(4))};
}

CommandLine StreamCommandOf(Vocabulary& w) { return w.Command(kChoices); }

constexpr Choice kLaterChoices[] = {
    {60, StreamCommandOf}, {12, Xnack}, {10, XreadgroupClaim}, {10, XaddOfProducer}, {1, Xcfgset}};

}  // namespace

CommandLine StreamCommand(Vocabulary& words) { return words.Command(kChoices); }
CommandLine LaterStreamCommand(Vocabulary& words) { return words.Command(kLaterChoices); }

}  // namespace peal::tests
