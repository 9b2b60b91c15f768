#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/acl/rules.h"
#include "broker/exec/command_table.h"
#include "patterns/pattern_tree.h"
#include "protocol/command/keys.h"

namespace peal::broker {

/// Pattern rules in a form that answers quickly: few are tried one by one, many are looked up in
/// one walk of a pattern tree.
class PatternSet {
 public:
  explicit PatternSet(const PatternRules& rules);

  /// Whether one pattern that matches `text` grants all of `rights`. Reactor threads.
  bool Allows(std::string_view text, uint8_t rights) const;
  /// What exactly this pattern grants; 0 if it is not there.
  uint8_t RightsOf(const std::string& pattern) const { return rules_.RightsOf(pattern); }
  const std::vector<PatternRules::Rule>& list() const { return rules_.list(); }

 private:
  uint8_t Ask(std::string_view text) const;

  const uint64_t id_;  // of no other set, before or after
  const PatternRules rules_;
  std::unique_ptr<patterns::PatternTree> tree_;  // null while few patterns
  std::vector<uint8_t> rights_;                  // by PatternId, where there is a tree
};

/// What a request was refused for. Of several selectors' reasons the greatest is told.
enum class Denied : uint8_t { kNothing, kCommand, kKey, kChannel };

/// The outcome of a check.
struct AclVerdict {
  Denied denied = Denied::kNothing;
  uint32_t argument = 0;  // kKey, kChannel: which one

  bool ok() const { return denied == Denied::kNothing; }
};

/// A request under check: its keys are found once, whatever the number of selectors.
class AclRequest {
 public:
  AclRequest(const TableEntry& command, std::span<const std::string_view> request_args)
      : entry(command), args(request_args) {}

  const TableEntry& entry;
  const std::span<const std::string_view> args;

  /// Calls visit(index, rights) for each key until it returns false.
  template <typename Visit>
  void ForEachKey(Visit&& visit);

 private:
  bool has_keys_ = false;
  std::vector<protocol::KeyAt> keys_;
};

/// One set of rules, ready for checks. Immutable; a role's are shared by all its users.
class CompiledSelector {
 public:
  explicit CompiledSelector(const SelectorRules& rules);

  AclVerdict Check(AclRequest& request) const;
  bool AllowsCommand(const TableEntry& entry, std::span<const std::string_view> args) const;
  bool AllowsChannel(std::string_view channel, uint8_t rights) const {
    return has_all_channels_ || channels_.Allows(channel, rights);
  }
  /// Whether the pattern itself, letter by letter, is among the rules and grants subscribing.
  bool AllowsPattern(const std::string& pattern) const {
    return has_all_channels_ || (channels_.RightsOf(pattern) & right::kSubscribe) != 0;
  }
  /// Whether every key may be read.
  bool ReadsAllKeys() const;
  bool is_unrestricted() const { return allows_everything_ && has_all_keys_ && has_all_channels_; }
  bool has_all_channels() const { return has_all_channels_; }
  bool Allows(uint32_t index) const { return (bits_[index / 64] >> (index % 64) & 1) != 0; }
  const PatternSet& channels() const { return channels_; }

 private:
  AclVerdict CheckChannels(const AclRequest& request) const;

  const std::vector<uint64_t> bits_;
  const std::map<uint32_t, std::vector<std::string>> first_args_;
  const PatternSet keys_;
  const PatternSet channels_;
  const bool has_all_keys_;
  const bool has_all_channels_;
  const bool allows_everything_;
};

using CompiledSelectors = std::vector<std::shared_ptr<const CompiledSelector>>;
CompiledSelectors Compile(const UserRules& rules);

/// A user as checks see it: its own selectors and those of its roles. Immutable; whoever changes a
/// user's rules makes a new one.
class AclUser {
 public:
  /// `role_selectors`: of all the roles that `rules` name.
  AclUser(UserRules rules, const CompiledSelectors& role_selectors, const CommandTable& commands);

  const UserRules& rules() const { return rules_; }
  const std::string& name() const { return rules_.name; }
  /// Every command, key and channel: no check can fail.
  bool is_unrestricted() const { return is_unrestricted_; }
  /// May run every command of the category @admin.
  bool is_admin() const { return is_admin_; }

  /// Whether some selector allows all of the request. Reactor threads.
  AclVerdict Check(const TableEntry& entry, std::span<const std::string_view> args) const;
  /// Whether a selector that allows the request allows reading all keys, too: for commands that
  /// read keys which no argument names.
  bool AllowsWithAllKeys(const TableEntry& entry, std::span<const std::string_view> args) const;
  bool AllowsChannel(std::string_view channel, uint8_t rights) const;
  bool AllowsPattern(const std::string& pattern) const;
  /// Whether every rule about channels that `older` has is here too: then nobody loses anything.
  bool KeepsChannelsOf(const AclUser& older) const;

  /// Whether keys and channels may be named: they may not in logs.
  enum class Names : uint8_t { kShow, kHide };
  /// Which rule would lift a refusal: "+set or one of +@write +@string +@slow", "%R~key".
  std::string MissingRule(const TableEntry& entry, std::span<const std::string_view> args,
                          AclVerdict verdict, Names names) const;

 private:
  const UserRules rules_;
  CompiledSelectors selectors_;
  bool is_unrestricted_ = false;
  bool is_admin_ = false;
};

}  // namespace peal::broker
