#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "broker/config/config.h"
#include "broker/config/directive.h"
#include "protocol/base/number.h"

/// How rows of the table of directives are written. Only for the files beside this one:
///
///   Fixed(Active(Integer("tcp-backlog", "511", 0, INT32_MAX, "…"), Number<&Config::tcp_backlog>))
namespace peal::broker::table {

inline constexpr int64_t kIntMax = INT32_MAX;
inline constexpr int64_t kLongMax = INT64_MAX;

// Rows by type. Without Active() a row is accepted only.

constexpr Directive Row(DirectiveType type, std::string_view name, std::string_view default_text,
                        std::string_view summary) {
  return {
      .name = name, .alias = {}, .type = type, .default_text = default_text, .summary = summary};
}
constexpr Directive Bool(std::string_view name, std::string_view value, std::string_view summary) {
  return Row(DirectiveType::kBool, name, value, summary);
}
constexpr Directive Text(std::string_view name, std::string_view value, std::string_view summary) {
  return Row(DirectiveType::kText, name, value, summary);
}
constexpr Directive Bounded(DirectiveType type, std::string_view name, std::string_view value,
                            int64_t min, int64_t max, std::string_view summary) {
  Directive row = Row(type, name, value, summary);
  row.min = min;
  row.max = max;
  return row;
}
constexpr Directive Integer(std::string_view name, std::string_view value, int64_t min, int64_t max,
                            std::string_view summary) {
  return Bounded(DirectiveType::kInteger, name, value, min, max, summary);
}
constexpr Directive Memory(std::string_view name, std::string_view value, int64_t min, int64_t max,
                           std::string_view summary) {
  return Bounded(DirectiveType::kMemory, name, value, min, max, summary);
}
constexpr Directive OneOf(std::string_view name, std::string_view value,
                          std::span<const std::string_view> choices, std::string_view summary) {
  Directive row = Row(DirectiveType::kEnum, name, value, summary);
  row.choices = choices;
  return row;
}
constexpr Directive FlagSet(std::string_view name, std::string_view value,
                            std::span<const std::string_view> choices, std::string_view summary) {
  Directive row = OneOf(name, value, choices, summary);
  row.type = DirectiveType::kFlagSet;
  return row;
}

// Changes to a row.

constexpr Directive With(Directive row, uint32_t flags) {
  row.flags |= flags;
  return row;
}
constexpr Directive Fixed(Directive row) { return With(row, kFixed); }
constexpr Directive Aka(std::string_view alias, Directive row) {
  row.alias = alias;
  return row;
}
constexpr Directive Active(Directive row, void (*assign)(Config&, std::string_view),
                           OnChange on_change = OnChange::kNone) {
  row.status = DirectiveStatus::kActive;
  row.assign = assign;
  row.on_change = on_change;
  return row;
}

// Assignments of canonical texts, which were checked against the row: they cannot fail.

template <auto kField>
void Flag(Config& config, std::string_view text) {
  config.*kField = text == "yes";
}
template <auto kField>
void Number(Config& config, std::string_view text) {
  using Field = std::remove_reference_t<decltype(config.*kField)>;
  config.*kField = static_cast<Field>(protocol::ParseInt64(text).value_or(0));
}
template <auto kField>
void String(Config& config, std::string_view text) {
  config.*kField = text;
}
/// `kNames` are the row's choices, in the order of the enumerators.
template <auto kField, const auto& kNames>
void Choice(Config& config, std::string_view text) {
  using Field = std::remove_reference_t<decltype(config.*kField)>;
  const auto* found = std::find(std::begin(kNames), std::end(kNames), text);
  config.*kField = static_cast<Field>(found - std::begin(kNames));
}

inline constexpr std::string_view kLocalAccess[] = {"no", "yes", "local"};

std::span<const Directive> NetworkRows();
std::span<const Directive> ProcessRows();
std::span<const Directive> PubSubRows();
std::span<const Directive> MemoryRows();
std::span<const Directive> KeyspaceRows();
std::span<const Directive> SecurityRows();
std::span<const Directive> ObservabilityRows();
std::span<const Directive> PersistenceRows();
std::span<const Directive> ReplicationRows();
std::span<const Directive> ClusterRows();
std::span<const Directive> TlsRows();
std::span<const Directive> EncodingRows();

}  // namespace peal::broker::table
