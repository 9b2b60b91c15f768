// Canonicalise: words of a configuration file or of CONFIG SET to the text CONFIG GET shows.
// The reasons are those of redis-server 7.0.15; store_redis_test compares them.
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>

#include "broker/config/address_rules.h"
#include "broker/config/directive.h"
#include "broker/config/notify_flags.h"
#include "broker/config/value.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::ParseInt64;
using protocol::ParseMemory;
using protocol::Result;

using Words = std::span<const std::string>;

constexpr size_t kMaxBindAddresses = 16;
constexpr size_t kMaxSavePoints = 64;
constexpr size_t kMaxPercentiles = 64;
constexpr int kDefaultThreadsMax = 8;

Error NotBetween(std::string_view min, std::string_view max) {
  std::string text = "argument must be between ";
  text.append(min).append(" and ").append(max).append(" inclusive");
  return Error::Owned(text);
}

std::string Octal(int64_t value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + value % 8));
    value /= 8;
  } while (value > 0);
  return digits;
}

Result<std::string> InRange(const Directive& row, int64_t value) {
  if (value < row.min || value > row.max)
    return NotBetween(std::to_string(row.min), std::to_string(row.max));
  return std::to_string(value);
}

Result<std::string> IntegerValue(const Directive& row, const std::string& word) {
  const std::optional<int64_t> value = ParseInt64(word);
  if (!value) return Error::Static("argument couldn't be parsed into an integer");
  return InRange(row, *value);
}

Result<std::string> OctalValue(const Directive& row, const std::string& word) {
  int64_t value = 0;
  if (word.empty() || word.size() > 12 || word.find_first_not_of("01234567") != std::string::npos)
    return Error::Static("argument couldn't be parsed as an octal number");
  for (const char digit : word) value = value * 8 + (digit - '0');
  if (value > row.max) return NotBetween(Octal(row.min), Octal(row.max));
  return Octal(value);
}

Result<std::string> MemoryValue(const Directive& row, const std::string& word, Error refusal) {
  const std::optional<uint64_t> bytes = ParseMemory(word);
  if (!bytes) return refusal;
  // Amounts above 2^63 are no memory of this world.
  if (*bytes > static_cast<uint64_t>(INT64_MAX))
    return NotBetween(std::to_string(row.min), std::to_string(row.max));
  return InRange(row, static_cast<int64_t>(*bytes));
}

Result<std::string> MemoryShareValue(const Directive& row, const std::string& word) {
  const Error refusal = Error::Static("argument must be a memory or percent value");
  if (word.empty() || word.back() != '%') return MemoryValue(row, word, refusal);
  const std::optional<int64_t> percent =
      ParseInt64(std::string_view(word).substr(0, word.size() - 1));
  if (!percent || *percent < 0) return refusal;
  if (*percent > 100) return Error::Static("percentage argument must be less or equal to 100");
  if (*percent == 0) return std::string("0");
  return word;
}

Error NotOneOf(std::span<const std::string_view> choices) {
  std::string text = "argument(s) must be one of the following: ";
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) text.append(", ");
    text.append(choices[i]);
  }
  return Error::Owned(text);
}

std::optional<size_t> ChoiceIndex(const Directive& row, std::string_view word) {
  for (size_t i = 0; i < row.choices.size(); ++i) {
    if (EqualsIgnoreCase(row.choices[i], word)) return i;
  }
  return std::nullopt;
}

Result<std::string> FlagSetValue(const Directive& row, Words words) {
  uint32_t bits = 0;
  for (const std::string& word : words) {
    const std::optional<size_t> index = ChoiceIndex(row, word);
    if (!index) return NotOneOf(row.choices);
    if (*index > 0) bits |= 1u << (*index - 1);
  }
  if (words.empty()) return NotOneOf(row.choices);
  const auto has = [&](const std::string& word) {
    const std::optional<size_t> index = ChoiceIndex(row, word);
    return index && (bits & 1u << (*index - 1)) != 0;
  };
  if (has("save") && has("nosave"))
    return Error::Static("shutdown options SAVE and NOSAVE can't be used simultaneously");
  if (bits == 0) return std::string(row.choices[0]);
  std::string text;
  for (size_t i = 1; i < row.choices.size(); ++i) {
    if ((bits & (1u << (i - 1))) == 0) continue;
    if (!text.empty()) text.push_back(' ');
    text.append(row.choices[i]);
  }
  return text;
}

Result<std::string> ThreadsValue(const Directive& row, const std::string& word) {
  if (word == "0" || EqualsIgnoreCase(word, "auto")) return DefaultText(row);
  return IntegerValue(row, word);
}

Result<std::string> PowerOfTwoValue(const Directive& row, const std::string& word) {
  Result<std::string> text = IntegerValue(row, word);
  if (!text.ok()) return text;
  const int64_t value = ParseInt64(*text).value_or(0);
  if ((value & (value - 1)) != 0) return Error::Static("argument must be a power of two");
  return text;
}

std::string Join(Words words) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text.push_back(' ');
    text.append(word);
  }
  return text;
}

Result<std::string> ListValue(Words words) {
  if (words.size() > kMaxBindAddresses) return Error::Static("Too many bind addresses specified.");
  for (const std::string& word : words) {
    if (word.empty() || word.find(' ') != std::string::npos)
      return Error::Static("argument must be words separated by single spaces");
  }
  return Join(words);
}

Result<std::string> OutputLimitsValue(Words words, std::string_view current) {
  static constexpr std::string_view kClasses[] = {"normal", "slave", "pubsub"};
  if (words.size() % 4 != 0)
    return Error::Static("Wrong number of arguments in buffer limit configuration.");
  std::array<OutputLimit, kClientClasses> limits = ParseOutputLimits(current);
  for (size_t i = 0; i < words.size(); i += 4) {
    const std::string_view name =
        EqualsIgnoreCase(words[i], "replica") ? std::string_view("slave") : words[i];
    size_t index = 0;
    while (index < kClientClasses && !EqualsIgnoreCase(kClasses[index], name)) ++index;
    if (index == kClientClasses)
      return Error::Static("Invalid client class specified in buffer limit configuration.");
    const std::optional<uint64_t> hard = ParseMemory(words[i + 1]);
    const std::optional<uint64_t> soft = ParseMemory(words[i + 2]);
    const std::optional<int64_t> seconds = ParseInt64(words[i + 3]);
    if (!hard || !soft || !seconds || *seconds < 0)
      return Error::Static(
          "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    limits[index] = {*hard, *soft, static_cast<uint64_t>(*seconds)};
  }
  std::string text;
  for (size_t i = 0; i < kClientClasses; ++i) {
    if (i > 0) text.push_back(' ');
    text.append(kClasses[i]);
    for (const uint64_t value :
         {limits[i].hard_bytes, limits[i].soft_bytes, limits[i].soft_seconds})
      text.append(" ").append(std::to_string(value));
  }
  return text;
}

Result<std::string> SavePointsValue(Words words) {
  const Error refusal = Error::Static("Invalid save parameters");
  if (words.size() % 2 != 0 || words.size() > kMaxSavePoints * 2) return refusal;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::optional<int64_t> seconds = ParseInt64(words[i]);
    const std::optional<int64_t> changes = ParseInt64(words[i + 1]);
    if (!seconds || !changes || *seconds < 1 || *changes < 0) return refusal;
  }
  return Join(words);
}

Result<std::string> PercentilesValue(const Directive& row, Words words) {
  std::string text;
  const std::string name(row.name);
  if (words.size() > kMaxPercentiles) return Error::Owned("Invalid " + name + " parameters");
  for (const std::string& word : words) {
    const std::optional<double> value = protocol::ParseDouble(word);
    if (!value) return Error::Owned("Invalid " + name + " parameters");
    if (!(*value >= 0 && *value <= 100))
      return Error::Owned(name + " parameters should sit between [0.0,100.0]");
    char digits[protocol::kMaxDoubleChars];
    if (!text.empty()) text.push_back(' ');
    text.append(digits, protocol::FormatDouble(digits, *value == 0 ? 0.0 : *value));
  }
  return text;
}

Result<std::string> OomScoresValue(Words words) {
  if (words.size() != 3) return Error::Static("wrong number of arguments");
  for (const std::string& word : words) {
    const std::optional<int64_t> value = ParseInt64(word);
    if (!value || *value < -2000 || *value > 2000)
      return Error::Static(
          "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
  }
  return Join(words);
}

Result<std::string> ReplicaOfValue(Words words) {
  if (words.size() != 2) return Error::Static("wrong number of arguments");
  if (EqualsIgnoreCase(words[0], "no") && EqualsIgnoreCase(words[1], "one")) return std::string();
  const std::optional<int64_t> port = ParseInt64(words[1]);
  if (!port || *port < 0 || *port > 65535 || words[0].empty() ||
      words[0].find(' ') != std::string::npos)
    return Error::Static("Invalid master port");
  return Join(words);
}

Result<std::string> ProcTitleValue(const std::string& word) {
  static constexpr std::string_view kVariables[] = {
      "title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"};
  const Error refusal = Error::Static("template format is invalid or contains unknown variables");
  std::string_view rest = word;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    const size_t close = rest.find('}', open);
    if (close == std::string_view::npos) return refusal;
    const std::string_view name = rest.substr(open + 1, close - open - 1);
    if (std::find(std::begin(kVariables), std::end(kVariables), name) == std::end(kVariables))
      return refusal;
    rest.remove_prefix(close + 1);
  }
  return word;
}

Result<std::string> DirectoryValue(const std::string& word) {
  const std::unique_ptr<char, decltype(&free)> path(realpath(word.c_str(), nullptr), free);
  struct stat info = {};
  if (path == nullptr || stat(path.get(), &info) != 0)
    return Error::Owned(std::generic_category().message(errno));
  if (!S_ISDIR(info.st_mode)) return Error::Static("Not a directory");
  return std::string(path.get());
}

Result<std::string> FileNameValue(const Directive& row, const std::string& word) {
  if (word.empty() && row.name != "dbfilename")
    return Error::Owned(std::string(row.name) + " can't be empty");
  if (word.find('/') != std::string::npos)
    return Error::Owned(std::string(row.name) + " can't be a path, just a filename");
  return word;
}

bool TakesManyWords(DirectiveType type) {
  switch (type) {
    case DirectiveType::kFlagSet:
    case DirectiveType::kList:
    case DirectiveType::kNetworks:
    case DirectiveType::kOutputLimits:
    case DirectiveType::kSavePoints:
    case DirectiveType::kPercentiles:
    case DirectiveType::kOomScores:
    case DirectiveType::kReplicaOf:
      return true;
    default:
      return false;
  }
}

Result<std::string> OfManyWords(const Directive& row, Words words, std::string_view current) {
  switch (row.type) {
    case DirectiveType::kFlagSet:
      return FlagSetValue(row, words);
    case DirectiveType::kOutputLimits:
      return OutputLimitsValue(words, current);
    case DirectiveType::kSavePoints:
      return SavePointsValue(words);
    case DirectiveType::kPercentiles:
      return PercentilesValue(row, words);
    case DirectiveType::kOomScores:
      return OomScoresValue(words);
    case DirectiveType::kReplicaOf:
      return ReplicaOfValue(words);
    case DirectiveType::kNetworks:
      return AddressList::Canonical({words.begin(), words.end()});
    default:
      return ListValue(words);
  }
}

}  // namespace

Result<std::string> Canonicalise(const Directive& row, std::span<const std::string> words,
                                 std::string_view current) {
  if (row.type != DirectiveType::kSecretText) {
    for (const std::string& word : words) {
      if (word.find('\0') != std::string::npos)
        return Error::Static("argument can't contain a NUL octet");
    }
  }
  if (TakesManyWords(row.type)) {
    // One word that holds several: from CONFIG SET, or quoted in a file.
    if (words.size() != 1) return OfManyWords(row, words, current);
    const std::vector<std::string> split = SplitBySpace(words[0]);
    return OfManyWords(row, split, current);
  }
  if (words.size() != 1) return Error::Static("wrong number of arguments");
  const std::string& word = words[0];
  switch (row.type) {
    case DirectiveType::kBool:
      if (EqualsIgnoreCase(word, "yes")) return std::string("yes");
      if (EqualsIgnoreCase(word, "no")) return std::string("no");
      return Error::Static("argument must be 'yes' or 'no'");
    case DirectiveType::kInteger:
      return IntegerValue(row, word);
    case DirectiveType::kHertz: {
      PEAL_ASSIGN_OR_RETURN(const std::string text, IntegerValue(row, word));
      return std::to_string(std::clamp<int64_t>(ParseInt64(text).value_or(1), 1, 500));
    }
    case DirectiveType::kOctal:
      return OctalValue(row, word);
    case DirectiveType::kMemory:
      return MemoryValue(row, word, Error::Static("argument must be a memory value"));
    case DirectiveType::kMemoryShare:
      return MemoryShareValue(row, word);
    case DirectiveType::kEnum: {
      const std::optional<size_t> index = ChoiceIndex(row, word);
      if (!index) return NotOneOf(row.choices);
      return std::string(row.choices[*index]);
    }
    case DirectiveType::kThreads:
      return ThreadsValue(row, word);
    case DirectiveType::kPowerOfTwo:
      return PowerOfTwoValue(row, word);
    case DirectiveType::kNotifyFlags: {
      PEAL_ASSIGN_OR_RETURN(const uint32_t mask, ParseNotifyFlags(word));
      return FormatNotifyFlags(mask);
    }
    case DirectiveType::kDirectory:
      return DirectoryValue(word);
    case DirectiveType::kFileName:
      return FileNameValue(row, word);
    case DirectiveType::kProcTitle:
      return ProcTitleValue(word);
    default:
      return word;
  }
}

std::string DefaultText(const Directive& row) {
  if (row.type != DirectiveType::kThreads) return std::string(row.default_text);
  // Counts the cores this process may run on; 0 if that is not known.
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::to_string(std::clamp(cores, 1, kDefaultThreadsMax));
}

}  // namespace peal::broker
