#include "broker/config/address_rules.h"

#include <algorithm>
#include <optional>

#include "broker/config/value.h"

namespace peal::broker {

using protocol::Error;
using protocol::Result;

Result<AddressList::Rule> AddressList::ParseRule(const std::string& word) {
  Rule rule;
  std::string_view text = word;
  if (text.starts_with("tcp:")) {
    rule.is_for_tls = false;
    text.remove_prefix(4);
  } else if (text.starts_with("tls:")) {
    rule.is_for_tcp = false;
    text.remove_prefix(4);
  }
  std::string reason;
  const std::optional<IpNetwork> network = ParseNetwork(text, &reason);
  if (!network) return Error::Owned("'" + word.substr(0, 128) + "': " + reason);
  rule.network = *network;
  return rule;
}

std::string AddressList::Rule::Show() const {
  std::string text = network.Show();
  if (is_for_tcp && is_for_tls) return text;
  return (is_for_tls ? "tls:" : "tcp:") + text;
}

Result<std::string> AddressList::Canonical(const std::vector<std::string>& words) {
  if (words.size() > kMaxWords) {
    return Error::Owned("at most " + std::to_string(kMaxWords) + " networks fit");
  }
  std::string text;
  for (const std::string& word : words) {
    PEAL_ASSIGN_OR_RETURN(const Rule rule, ParseRule(word));
    if (!text.empty()) text.push_back(' ');
    text.append(rule.Show());
  }
  return text;
}

AddressList AddressList::Of(std::string_view canonical) {
  AddressList list;
  for (const std::string& word : SplitBySpace(canonical)) {
    if (const Result<Rule> rule = ParseRule(word); rule.ok()) list.rules_.push_back(*rule);
  }
  return list;
}

bool AddressList::HasAnyFor(ListenerKind kind) const {
  return std::ranges::any_of(rules_, [&](const Rule& rule) { return rule.IsFor(kind); });
}

bool AddressList::Contains(const IpAddress& address, ListenerKind kind) const {
  return std::ranges::any_of(
      rules_, [&](const Rule& rule) { return rule.IsFor(kind) && rule.network.Contains(address); });
}

}  // namespace peal::broker
