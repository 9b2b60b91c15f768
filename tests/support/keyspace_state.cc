#include "tests/support/keyspace_state.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>

namespace peal::tests {
namespace {

/// Deadlines relative to now are computed by each server when it is asked.
constexpr int64_t kToleranceMs = 5000;
constexpr int64_t kLeastTimestampMs = 1'600'000'000'000;
/// list-max-listpack-size -2.
constexpr size_t kMostListpackBytes = 8192;
constexpr size_t kMostSetListpackEntries = 128;
constexpr size_t kLongestListpackMember = 64;
constexpr size_t kLongestEmbedded = 44;

}  // namespace

namespace {

/// A consumer in a reply of XINFO that has nothing pending. Since 7.2 a consumer comes into being
/// even if it gets nothing.
bool IsIdleConsumer(const Reply& reply) {
  const bool is_consumer = reply.Find("seen-time") != nullptr || reply.Find("idle") != nullptr;
  if (!is_consumer) return false;
  const Reply* const count = reply.Find("pel-count");
  return (count != nullptr ? count : reply.Find("pending"))->integer == 0;
}

/// Whether `value` stands behind `name` in a group of XINFO GROUPS: the number of consumers.
bool IsNumberOfConsumers(const Reply& name, const Reply& value) {
  return name.text == "consumers" && value.kind == Reply::Kind::kInteger;
}

}  // namespace

Reply WithoutTimes(Reply reply) {
  // Ids of producers are forgotten in time, and duplicates are counted where they come in.
  static const char* const kDropped[] = {"idle",           "inactive",        "seen-time",
                                         "active-time",    "radix-tree-keys", "radix-tree-nodes",
                                         "pids-tracked",   "iids-tracked",    "iids-added",
                                         "iids-duplicates"};
  if (reply.kind == Reply::Kind::kInteger && reply.integer > kLeastTimestampMs) reply.integer = 0;
  std::vector<Reply> kept;
  for (size_t i = 0; i < reply.items.size(); ++i) {
    if (IsIdleConsumer(reply.items[i])) continue;
    const bool is_dropped =
        std::find(std::begin(kDropped), std::end(kDropped), reply.items[i].text) !=
            std::end(kDropped) ||
        (i + 1 < reply.items.size() && IsNumberOfConsumers(reply.items[i], reply.items[i + 1]));
    if (is_dropped) {
      ++i;
    } else {
      kept.push_back(WithoutTimes(std::move(reply.items[i])));
    }
  }
  reply.items = std::move(kept);
  return reply;
}

std::string CanonicalNumber(const std::string& text, bool has_zero_signs) {
  if (text.empty() || isspace(static_cast<unsigned char>(text[0])) != 0) return text;
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size()) return text;
  if (number == 0 && !has_zero_signs) return "0";
  char digits[32];
  snprintf(digits, sizeof digits, "%.17g", number);
  return digits;
}

namespace {

std::vector<std::string> ContentCommand(const std::string& key, const std::string& type) {
  if (type == "string") return {"GET", key};
  if (type == "list") return {"LRANGE", key, "0", "-1"};
  if (type == "set") return {"SMEMBERS", key};
  if (type == "hash") return {"HGETALL", key};
  if (type == "zset") return {"ZRANGE", key, "0", "-1", "WITHSCORES"};
  return {"XRANGE", key, "-", "+"};
}

/// Sorts runs of `width` items.
void SortItems(Reply& reply, size_t width) {
  std::vector<std::pair<std::string, size_t>> order;
  for (size_t i = 0; i < reply.items.size(); i += width) order.emplace_back(reply.At(i), i);
  std::sort(order.begin(), order.end());
  std::vector<Reply> sorted;
  for (const auto& [name, from] : order) {
    for (size_t i = from; i < std::min(from + width, reply.items.size()); ++i) {
      sorted.push_back(reply.items[i]);
    }
  }
  reply.items = std::move(sorted);
}

bool IsCanonicalInteger(const std::string& text) {
  if (text.empty() || text.size() > 20) return false;
  char* end = nullptr;
  errno = 0;
  const long long value = std::strtoll(text.c_str(), &end, 10);
  return errno == 0 && std::to_string(value) == text;
}

/// What a SET of the value would have.
std::string StringEncoding(const std::string& value) {
  if (IsCanonicalInteger(value)) return "int";
  return value.size() <= kLongestEmbedded ? "embstr" : "raw";
}

bool IsSameEncoding(const KeyState& expected, const KeyState& actual) {
  if (expected.encoding == actual.encoding) return true;
  // Differs (docs/differences.md): a string that was changed in place is stored compactly again.
  if (actual.type == "string") {
    return actual.encoding == StringEncoding(actual.content) ||
           (expected.encoding == "raw" && actual.encoding == "embstr" &&
            actual.content.size() <= kLongestEmbedded);
  }
  if (actual.type == "list") {
    return expected.encoding == "quicklist" && actual.encoding == "listpack" &&
           actual.bytes <= kMostListpackBytes;
  }
  // Differs (docs/differences.md): SORT reads a small sorted set as it is, Redis makes it large.
  if (actual.type == "zset") {
    return expected.encoding == "skiplist" && actual.encoding == "listpack" &&
           actual.count <= kMostSetListpackEntries && actual.longest <= kLongestListpackMember;
  }
  if (actual.type == "set") {
    return expected.encoding == "hashtable" && actual.encoding == "listpack" &&
           actual.count <= kMostSetListpackEntries && actual.longest <= kLongestListpackMember;
  }
  return false;
}

}  // namespace

std::map<std::string, KeyState> ReadKeyspace(Client& client, int db, bool has_zero_signs) {
  std::map<std::string, KeyState> states;
  client.Do("SELECT " + std::to_string(db));
  std::vector<std::string> keys;
  std::vector<std::vector<std::string>> questions;
  for (const Reply& key : client.Call({"KEYS", "*"}).items) {
    keys.push_back(key.text);
    questions.push_back({"TYPE", key.text});
    questions.push_back({"PEXPIRETIME", key.text});
    questions.push_back({"OBJECT", "ENCODING", key.text});
  }
  const std::vector<Reply> facts = client.Pipeline(questions);
  questions.clear();
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string& type = facts[3 * i].text;
    KeyState& state = states[keys[i]];
    state.type = type;
    state.expire_ms = facts[3 * i + 1].integer;
    state.encoding = facts[3 * i + 2].text;
    questions.push_back(ContentCommand(keys[i], type));
    questions.push_back(type == "stream" ? std::vector<std::string>{"XINFO", "STREAM", keys[i],
                                                                    "FULL", "COUNT", "0"}
                                         : std::vector<std::string>{"PING"});
  }
  std::vector<Reply> contents = client.Pipeline(questions);
  for (size_t i = 0; i < keys.size(); ++i) {
    KeyState& state = states[keys[i]];
    Reply& content = contents[2 * i];
    if (state.type == "set") SortItems(content, 1);
    // The fields of a small hash stand in the order of their coming; those of one that was
    // restored from the DUMP of a large one, in no particular order.
    const bool is_ordered = state.encoding == "listpack" && !keys[i].starts_with("restored:");
    if (state.type == "hash" && !is_ordered) SortItems(content, 2);
    if (state.type == "zset") {
      for (size_t at = 1; at < content.items.size(); at += 2) {
        content.items[at].text = CanonicalNumber(content.items[at].text, has_zero_signs);
      }
    }
    state.content = state.type == "string" ? content.text : content.Show();
    state.count = content.items.size() / (state.type == "zset" ? 2 : 1);
    for (const Reply& item : content.items) {
      state.bytes += item.text.size();
      state.longest = std::max(state.longest, item.text.size());
    }
    if (state.type == "stream") {
      state.content += " " + WithoutTimes(std::move(contents[2 * i + 1])).Show();
    }
  }
  return states;
}

std::string CompareKeyStates(const KeyState& expected, const KeyState& actual,
                             Encodings encodings) {
  if (expected.type != actual.type) return "type " + expected.type + " / " + actual.type;
  if ((expected.expire_ms < 0) != (actual.expire_ms < 0) ||
      std::abs(expected.expire_ms - actual.expire_ms) > kToleranceMs) {
    return "expiry " + std::to_string(expected.expire_ms) + " / " +
           std::to_string(actual.expire_ms);
  }
  const bool is_same_encoding =
      encodings == Encodings::kAny || expected.encoding == actual.encoding ||
      (encodings == Encodings::kAcrossReleases && IsSameEncoding(expected, actual));
  if (!is_same_encoding) return "encoding " + expected.encoding + " / " + actual.encoding;
  if (expected.content == actual.content) return {};
  // Shows where they part.
  const auto parting = std::mismatch(expected.content.begin(), expected.content.end(),
                                     actual.content.begin(), actual.content.end());
  const auto at = static_cast<size_t>(parting.first - expected.content.begin());
  const size_t from = at < 60 ? 0 : at - 60;
  return expected.type + " content, from " + std::to_string(from) + ":\n    " +
         Escaped(expected.content.substr(from, 400)) + "\n    " +
         Escaped(actual.content.substr(from, 400));
}

std::map<std::string, std::string> CompareKeyspaces(const std::map<std::string, KeyState>& expected,
                                                    const std::map<std::string, KeyState>& actual,
                                                    Encodings encodings) {
  std::map<std::string, std::string> differences;
  for (const auto& [key, state] : expected) {
    const auto at = actual.find(key);
    const std::string difference = at == actual.end()
                                       ? "only in the first: " + state.type
                                       : CompareKeyStates(state, at->second, encodings);
    if (!difference.empty()) differences[key] = difference;
  }
  for (const auto& [key, state] : actual) {
    if (!expected.contains(key)) differences[key] = "only in the second: " + state.type;
  }
  return differences;
}

}  // namespace peal::tests
