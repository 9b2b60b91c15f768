#include <cstdint>
#include <string>
#include <utility>

#include "tests/support/script/groups.h"

namespace peal::tests {
namespace {

using Choice = Vocabulary::Choice;
constexpr KeyKind kKind = KeyKind::kBitmap;

std::string Offset(Vocabulary& w) {
  // What is in range but far away would make values of half a gigabyte.
  static const char* const kOdd[] = {"-1", "4294967296", "9223372036854775807", "x",
                                     "",   "1.5",        "-9223372036854775808"};
  if (w.OneIn(15)) return w.Pick(kOdd);
  return std::to_string(w.Number(w.OneIn(10) ? 4000 : 200));
}

CommandLine AddRange(Vocabulary& w, CommandLine command, bool with_unit) {
  command.push_back(w.Integer());
  if (w.OneIn(8)) return command;
  command.push_back(w.Integer());
  if (with_unit && w.OneIn(2)) {
    static const char* const kUnits[] = {"BYTE", "BIT", "bit", "bogus"};
    command.push_back(w.Pick(kUnits));
  }
  return command;
}

CommandLine Bitpos(Vocabulary& w) {
  static const char* const kBits[] = {"0", "1", "0", "1", "0", "1", "2", "-1", "x"};
  CommandLine command{"BITPOS", w.Key(kKind), w.Pick(kBits)};
  return w.OneIn(3) ? command : AddRange(w, std::move(command), true);
}

CommandLine Bitop(Vocabulary& w) {
  static const char* const kHow[] = {"AND", "OR", "XOR", "NOT", "and", "not", "bogus"};
  const std::string how = w.Pick(kHow);
  const bool is_not = (how == "NOT" || how == "not") && !w.OneIn(10);
  return Join({"BITOP", how, w.Key(kKind)}, w.Keys(kKind, is_not ? 1 : 3));
}

std::string FieldType(Vocabulary& w) {
  static const char* const kOdd[] = {"u64", "i65", "u0", "i0", "x8", "u", "", "8", "u8x", "u-1"};
  if (w.OneIn(12)) return w.Pick(kOdd);
  if (w.OneIn(4)) return "i64";
  return (w.OneIn(2) ? "u" : "i") + std::to_string(1 + w.Number(63));
}

std::string FieldOffset(Vocabulary& w) {
  if (w.OneIn(3)) return "#" + std::to_string(w.Number(20) - (w.OneIn(10) ? 30 : 0));
  return Offset(w);
}

CommandLine Bitfield(Vocabulary& w) {
  const bool only_reads = w.OneIn(4);
  CommandLine command{only_reads ? "BITFIELD_RO" : "BITFIELD", w.Key(kKind)};
  for (int i = w.Number(5); i > 0; --i) {
    static const char* const kReading[] = {"GET", "GET", "GET", "GET", "get", "SET"};
    static const char* const kWriting[] = {"GET",    "SET",      "INCRBY",   "INCRBY",
                                           "incrby", "OVERFLOW", "OVERFLOW", "bogus"};
    const std::string name = only_reads ? w.Pick(kReading) : w.Pick(kWriting);
    if (name == "OVERFLOW") {
      static const char* const kHow[] = {"WRAP", "SAT", "FAIL", "sat", "bogus"};
      command = Join(std::move(command), {name, w.Pick(kHow)});
      continue;
    }
    command = Join(std::move(command), {name, FieldType(w), FieldOffset(w)});
    if (name == "GET" || name == "get") continue;
    std::string value = w.Integer();
    // redis-server saturates a SET of -2^63 to the greatest value (docs/differences.md).
    if (name == "SET" && value == std::to_string(INT64_MIN)) value = "-1";
    command.push_back(std::move(value));
  }
  return command;
}

constexpr Choice kChoices[] = {
    {8,
     [](Vocabulary& w) -> CommandLine {
       static const char* const kBits[] = {"0", "1", "1", "1", "1", "1", "2", "-1", "x", ""};
       return {"SETBIT", w.Key(kKind), Offset(w), w.Pick(kBits)};
     }},
    {4, [](Vocabulary& w) -> CommandLine { return {"GETBIT", w.Key(kKind), Offset(w)}; }},
    {5,
     [](Vocabulary& w) -> CommandLine {
       CommandLine command{"BITCOUNT", w.Key(kKind)};
       return w.OneIn(3) ? command : AddRange(w, std::move(command), true);
     }},
    {5, Bitpos},
    {5, Bitop},
    {8, Bitfield},
    {2, [](Vocabulary& w) -> CommandLine { return {"SET", w.Key(kKind), w.Value()}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"GET", w.Key(kKind)}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"APPEND", w.Key(kKind), w.Value()}; }},
    {1, [](Vocabulary& w) -> CommandLine { return {"DEL", w.Key(kKind)}; }},
};

}  // namespace

CommandLine BitmapCommand(Vocabulary& words) { return words.Command(kChoices); }

}  // namespace peal::tests
