#include "broker/config/directive.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <unordered_map>

#include "broker/config/table/rows.h"
#include "broker/config/value.h"
#include "broker/config/words.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

std::vector<Directive> MakeTable() {
  const std::pair<DirectiveGroup, std::span<const Directive>> groups[kDirectiveGroups] = {
      {DirectiveGroup::kNetwork, table::NetworkRows()},
      {DirectiveGroup::kProcess, table::ProcessRows()},
      {DirectiveGroup::kPubSub, table::PubSubRows()},
      {DirectiveGroup::kMemory, table::MemoryRows()},
      {DirectiveGroup::kKeyspace, table::KeyspaceRows()},
      {DirectiveGroup::kSecurity, table::SecurityRows()},
      {DirectiveGroup::kObservability, table::ObservabilityRows()},
      {DirectiveGroup::kPersistence, table::PersistenceRows()},
      {DirectiveGroup::kReplication, table::ReplicationRows()},
      {DirectiveGroup::kCluster, table::ClusterRows()},
      {DirectiveGroup::kTls, table::TlsRows()},
      {DirectiveGroup::kEncoding, table::EncodingRows()},
  };
  std::vector<Directive> rows;
  for (const auto& [group, group_rows] : groups) {
    for (const Directive& row : group_rows) rows.emplace_back(row).group = group;
  }
  return rows;
}

using Index = std::unordered_map<std::string, const Directive*>;

Index MakeIndex() {
  Index index;
  for (const Directive& row : Directives()) {
    PEAL_CHECK(index.emplace(row.name, &row).second);
    if (!row.alias.empty()) PEAL_CHECK(index.emplace(row.alias, &row).second);
  }
  return index;
}

// Edits that turn `a` into `b` (insert, delete, replace), Levenshtein. Both are short.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row[b.size()];
}

// "64mb" for 67108864: the largest unit that divides it.
std::string ShortMemory(std::string_view text) {
  const uint64_t bytes = protocol::ParseUint64(text).value_or(0);
  static constexpr std::pair<uint64_t, std::string_view> kUnits[] = {
      {1ull << 30, "gb"}, {1ull << 20, "mb"}, {1ull << 10, "kb"}};
  for (const auto& [size, unit] : kUnits) {
    if (bytes >= size && bytes % size == 0) return std::to_string(bytes / size).append(unit);
  }
  return std::string(text);
}

std::vector<std::string> OutputLimitLines(std::string_view name, std::string_view text) {
  static constexpr std::string_view kClasses[] = {"normal", "replica", "pubsub"};
  const std::array<OutputLimit, kClientClasses> limits = ParseOutputLimits(text);
  std::vector<std::string> lines;
  lines.reserve(kClientClasses);
  for (size_t i = 0; i < kClientClasses; ++i) {
    lines.push_back(std::string(name) + " " + std::string(kClasses[i]) + " " +
                    ShortMemory(std::to_string(limits[i].hard_bytes)) + " " +
                    ShortMemory(std::to_string(limits[i].soft_bytes)) + " " +
                    std::to_string(limits[i].soft_seconds));
  }
  return lines;
}

}  // namespace

std::span<const Directive> Directives() {
  static const std::vector<Directive> rows = MakeTable();
  return rows;
}

const Directive* FindDirective(std::string_view name) {
  static const Index index = MakeIndex();
  const auto found = index.find(protocol::LowerCase(name));
  return found == index.end() ? nullptr : found->second;
}

std::string_view NearestDirective(std::string_view name) {
  constexpr size_t kLongestName = 64;
  if (name.size() > kLongestName) return {};
  const std::string wanted = protocol::LowerCase(name);
  // More than a third of the letters wrong is a guess, not a slip.
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  std::string_view nearest;
  for (const Directive& row : Directives()) {
    for (const std::string_view known : {row.name, row.alias}) {
      if (known.empty()) continue;
      const size_t distance = EditDistance(wanted, known);
      if (distance < best) {
        best = distance;
        nearest = known;
      }
    }
  }
  return nearest;
}

std::vector<std::string> FormatLines(const Directive& row, std::string_view text) {
  const std::string name(row.name);
  switch (row.type) {
    case DirectiveType::kReplicaOf:
      if (text.empty()) return {};  // no spelling of it but absence
      return {name + " " + std::string(text)};
    case DirectiveType::kOutputLimits:
      return OutputLimitLines(name, text);
    case DirectiveType::kMemory:
    case DirectiveType::kMemoryShare:
      return {name + " " + ShortMemory(text)};
    case DirectiveType::kSavePoints: {
      std::vector<std::string> lines;
      for (const SavePoint& point : ParseSavePoints(text))
        lines.push_back(name + " " + std::to_string(point.seconds) + " " +
                        std::to_string(point.changes));
      if (lines.empty()) lines.push_back(name + " \"\"");
      return lines;
    }
    case DirectiveType::kFlagSet:
    case DirectiveType::kList:
    case DirectiveType::kNetworks:
    case DirectiveType::kPercentiles:
    case DirectiveType::kOomScores: {
      std::string line = name;
      for (const std::string& word : SplitBySpace(text)) line.append(" ").append(QuoteWord(word));
      if (text.empty()) line.append(" \"\"");
      return {line};
    }
    default:
      return {name + " " + QuoteWord(text)};
  }
}

std::string_view GroupTitle(DirectiveGroup group) {
  static constexpr std::string_view kTitles[kDirectiveGroups] = {
      "Network",       "Process",     "Publish and subscribe", "Memory",  "Keyspace", "Security",
      "Observability", "Persistence", "Replication",           "Cluster", "TLS",      "Encodings"};
  return kTitles[static_cast<size_t>(group)];
}

std::string DescribeType(const Directive& row) {
  const auto range = [&row](std::string_view what) {
    std::string text(what);
    if (row.max == INT64_MAX) return text + ", at least " + std::to_string(row.min);
    return text + " " + std::to_string(row.min) + " to " + std::to_string(row.max);
  };
  const auto choices = [&row] {
    std::string text;
    for (const std::string_view choice : row.choices) {
      if (!text.empty()) text.append(", ");
      text.append("`").append(choice).append("`");
    }
    return text;
  };
  switch (row.type) {
    case DirectiveType::kBool:
      return "`yes`, `no`";
    case DirectiveType::kInteger:
    case DirectiveType::kHertz:
      return range("integer");
    case DirectiveType::kOctal:
      return "octal, 0 to 777";
    case DirectiveType::kMemory:
      return "memory";
    case DirectiveType::kMemoryShare:
      return "memory or percent";
    case DirectiveType::kEnum:
      return choices();
    case DirectiveType::kFlagSet:
      return "any of " + choices();
    case DirectiveType::kPath:
      return "path";
    case DirectiveType::kFileName:
      return "file name";
    case DirectiveType::kDirectory:
      return "existing directory";
    case DirectiveType::kList:
      return "addresses";
    case DirectiveType::kNetworks:
      return "networks";
    case DirectiveType::kThreads:
      return range("`auto` or integer");
    case DirectiveType::kPowerOfTwo:
      return range("power of two");
    case DirectiveType::kOutputLimits:
      return "class, hard, soft, seconds";
    case DirectiveType::kSavePoints:
      return "pairs of seconds and changes";
    case DirectiveType::kNotifyFlags:
      return "letters of `KEAg$lshzxetdmn`";
    case DirectiveType::kPercentiles:
      return "numbers 0 to 100";
    case DirectiveType::kOomScores:
      return "three integers -2000 to 2000";
    case DirectiveType::kReplicaOf:
      return "host and port";
    default:
      return "text";
  }
}

}  // namespace peal::broker
