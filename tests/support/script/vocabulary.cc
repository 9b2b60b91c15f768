#include "tests/support/script/vocabulary.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace peal::tests {
namespace {

constexpr const char* kKindNames[kKeyKinds] = {"str",    "list", "set", "hash", "zset",
                                               "stream", "geo",  "hll", "bits"};
constexpr int kKeysOfKind = 4;
constexpr int kMembers = 24;

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return tolower(c); });
  return text;
}

}  // namespace

std::string Vocabulary::Option(const char* word) { return OneIn(8) ? Lower(word) : word; }

std::string Vocabulary::Key(KeyKind kind) {
  static const char* const kOdd[] = {"", "missing", "key with space", "{t}one", "{t}two"};
  if (kind == KeyKind::kLexZset) {
    // Other commands might make a sorted set with many scores of any other key.
    return OneIn(25) ? "lexstr" : "lex" + std::to_string(1 + Number(kKeysOfKind));
  }
  if (OneIn(60)) return Pick(kOdd);
  if (OneIn(25)) kind = static_cast<KeyKind>(Number(kKeyKinds));
  return kKindNames[static_cast<int>(kind)] + std::to_string(1 + Number(kKeysOfKind));
}

CommandLine Vocabulary::Keys(KeyKind kind, int most) {
  CommandLine keys;
  for (int i = 1 + Number(most); i > 0; --i) keys.push_back(Key(kind));
  return keys;
}

CommandLine Vocabulary::NumberedKeys(KeyKind kind, int most) {
  CommandLine keys = Keys(kind, most);
  const std::string number = OneIn(20) ? Count() : std::to_string(keys.size());
  keys.insert(keys.begin(), number);
  return keys;
}

std::string Vocabulary::Database() { return OneIn(8) ? Integer() : std::to_string(Number(3)); }

std::string Vocabulary::Value() {
  switch (Number(12)) {
    case 0:
      return "";
    case 1:
      return std::string("b\0\r\n\xff", 5);
    case 2:
      return std::string(static_cast<size_t>(Number(300)), 'v');
    case 3:
      return "3.25";
    case 4:
      return std::string(44 + static_cast<size_t>(Number(3)), 'e');
    case 5:
      return std::string(63 + static_cast<size_t>(Number(3)), 'l');
    default:
      return Integer();
  }
}

std::string Vocabulary::Member() {
  switch (Number(40)) {
    case 0:
      return std::string(63 + static_cast<size_t>(Number(3)), 'm');
    case 1:
      return Value();
    case 2:
      return Integer();
    case 3:
      return std::string(static_cast<size_t>(Number(9000)), 'M');
    default:
      return MemberOf(Number(kMembers));
  }
}

std::string Vocabulary::MemberOf(int index) {
  return index % 2 == 0 ? std::to_string(index - kMembers / 2) : "m" + std::to_string(index);
}

int Vocabulary::Many() {
  static constexpr int kLimits[] = {64, 65, 127, 128, 129, 130, 511, 512, 513, 514};
  return OneIn(60) ? kLimits[Number(std::size(kLimits))] : 1 + Number(4);
}

std::string Vocabulary::Integer() {
  static const char* const kOdd[] = {"0",
                                     "-1",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "9223372036854775808",
                                     "+5",
                                     "05",
                                     " 5",
                                     "5 ",
                                     "1e3",
                                     "",
                                     "abc",
                                     "18446744073709551616",
                                     "-0",
                                     "-9223372036854775809",
                                     "5.0"};
  if (OneIn(6)) return Pick(kOdd);
  return std::to_string(Number(200) - 100);
}

std::string Vocabulary::Index() { return OneIn(12) ? Integer() : std::to_string(Number(16) - 6); }

std::string Vocabulary::Count() {
  static const char* const kOdd[] = {"0",
                                     "-1",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "-9223372036854775807",
                                     "4611686018427387904",
                                     "-4611686018427387904",
                                     "-4611686018427387905",
                                     "9223372036854775808",
                                     "4294967296",
                                     "2147483648",
                                     "x",
                                     "",
                                     "1.5"};
  return OneIn(8) ? Pick(kOdd) : std::to_string(Number(7) - 1);
}

std::string Vocabulary::RepeatCount() {
  static const char* const kOdd[] = {
      "0", "-9223372036854775808", "9223372036854775808", "x", "", "-100", "4294967296", "1000"};
  return OneIn(6) ? Pick(kOdd) : std::to_string(Number(14) - 7);
}

std::string Vocabulary::Float() {
  static const char* const kOdd[] = {"1.5",
                                     "-0.1",
                                     "1e10",
                                     "inf",
                                     "-inf",
                                     "nan",
                                     "3.0",
                                     "1e-7",
                                     "abc",
                                     "0x10",
                                     "1e400",
                                     "-2",
                                     "+inf",
                                     "Inf",
                                     "1e308",
                                     "-1e308",
                                     "1e-320",
                                     "",
                                     "0.1",
                                     "-0",
                                     "1e17",
                                     "1e21",
                                     "5.0e-1x",
                                     "infinity",
                                     " 1",
                                     "1 ",
                                     "3.141592653589793238462643383279",
                                     "123456789.123456789",
                                     "4503599627370497.5"};
  return Pick(kOdd);
}

std::string Vocabulary::Score() {
  if (OneIn(5)) return Float();
  return OneIn(4) ? std::to_string(Number(40) - 20) + ".5" : std::to_string(Number(20) - 5);
}

std::string Vocabulary::ScoreBound() {
  static const char* const kEnds[] = {"-inf", "+inf", "(inf", "(-inf", "inf", "(", "(abc", "((1"};
  if (OneIn(4)) return Pick(kEnds);
  return (OneIn(3) ? "(" : "") + Score();
}

std::string Vocabulary::LexBound() {
  static const char* const kEnds[] = {"-", "+", "", "[", "(", "abc", "--", "+x"};
  if (OneIn(3)) return Pick(kEnds);
  return (OneIn(2) ? "[" : "(") + Member();
}

std::string Vocabulary::Glob() {
  static const char* const kGlobs[] = {"*",    "m*",    "*1", "m[0-9]", "?",   "",
                                       "none", "[^m]*", "-*", "m\\1",   "m1?", "*m*"};
  return Pick(kGlobs);
}

std::string Vocabulary::Seconds() {
  static const char* const kOdd[] = {"0", "-1", "9223372036854775807", "9223372036854775",
                                     "x", "",   "-9223372036854775808"};
  return OneIn(4) ? Pick(kOdd) : std::to_string(100'000 + Number(1000));
}

std::string Vocabulary::Timestamp(bool in_ms) {
  if (OneIn(4)) return Seconds();
  return std::to_string(4'000'000'000LL + Number(1000)) + (in_ms ? "000" : "");
}

std::string Vocabulary::Timeout() {
  static const char* const kOdd[] = {"-1", "abc", "", "1e300", "inf", "nan", "-0.5"};
  return OneIn(2) ? Pick(kOdd) : "0.001";
}

CommandLine Vocabulary::Command(std::span<const Choice> choices) {
  int total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  int at = Number(total);
  for (const Choice& choice : choices) {
    at -= choice.weight;
    if (at >= 0) continue;
    CommandLine command = choice.make(*this);
    if (OneIn(30)) Damage(command);
    if (OneIn(8)) command[0] = Lower(std::move(command[0]));
    return command;
  }
  return {};
}

void Vocabulary::Damage(CommandLine& command) {
  switch (Number(4)) {
    case 0:
      if (command.size() > 1) command.pop_back();
      break;
    case 1:
      // A time to block must stay the last word, and two values would be a score and a member.
      if (Lower(command[0])[0] != 'b' && (command.size() < 2 || !command[1].starts_with("lex"))) {
        command.push_back(Value());
      }
      break;
    case 2:
      command.resize(1);
      break;
    default:
      command[0] += OneIn(2) ? "x" : std::string(150, 'n');
  }
}

}  // namespace peal::tests
