#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/exec/command_table.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// What a pattern grants; bits. Of keys: reading and writing. Of channels: publishing and
/// subscribing.
namespace right {
inline constexpr uint8_t kRead = 1;
inline constexpr uint8_t kWrite = 2;
inline constexpr uint8_t kPublish = 1;
inline constexpr uint8_t kSubscribe = 2;
inline constexpr uint8_t kBoth = 3;
}  // namespace right

/// Why a rule was refused: the reason alone, as redis-server 7.0.15 words it.
namespace acl_errors {
inline constexpr protocol::Error kSyntax = protocol::Error::Static("Syntax error");
inline constexpr protocol::Error kUnknownCommand =
    protocol::Error::Static("Unknown command or category name in ACL");
inline constexpr protocol::Error kAllKeys = protocol::Error::Static(
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns");
inline constexpr protocol::Error kAllChannels = protocol::Error::Static(
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels");
inline constexpr protocol::Error kNoSuchPassword =
    protocol::Error::Static("The password you are trying to remove from the user does not exist");
inline constexpr protocol::Error kBadHash = protocol::Error::Static(
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters");
inline constexpr protocol::Error kFirstArgOfSubcommand =
    protocol::Error::Static("Allowing first-arg of a subcommand is not supported");
inline constexpr protocol::Error kDuplicateUser = protocol::Error::Static(
    "Duplicate user found. A user can only be defined once in config files");
inline constexpr protocol::Error kNoSuchRole = protocol::Error::Static("There is no such role");
inline constexpr protocol::Error kNotForRoles =
    protocol::Error::Static("Roles have rules for commands, keys and channels only");
}  // namespace acl_errors

/// Patterns with what each grants, in the order they were given, none twice.
class PatternRules {
 public:
  struct Rule {
    std::string pattern;
    uint8_t rights;
  };

  /// Grants `rights` besides what the pattern grants already.
  void Add(std::string_view pattern, uint8_t rights);
  void Clear();
  const std::vector<Rule>& list() const { return list_; }
  /// What exactly this pattern grants; 0 if it is not there.
  uint8_t RightsOf(const std::string& pattern) const;

 private:
  std::vector<Rule> list_;
  std::unordered_map<std::string, size_t> places_;
};

/// One set of rules for commands, keys and channels: a user's own, those of a selector in
/// parentheses, or a role's. Changed while rules are applied, compiled afterwards (user.h).
class SelectorRules {
 public:
  SelectorRules(const CommandTable& commands, bool has_all_channels)
      : has_all_channels_(has_all_channels),
        commands_(&commands),
        bits_((commands.all().size() + 63) / 64) {}

  /// Applies one rule: "+get", "-@write", "~key:*", "%R~key:*", "&news.*", "%S&news.*", "allkeys".
  /// An error (of acl_errors) changes nothing.
  protocol::Result<void> Apply(std::string_view rule);

  bool has_all_keys() const { return has_all_keys_; }
  bool has_all_channels() const { return has_all_channels_; }
  /// Every command, also those of later versions.
  bool has_future_commands() const { return has_future_commands_; }
  const PatternRules& keys() const { return keys_; }
  const PatternRules& channels() const { return channels_; }
  /// A bit for each entry of the table, by its index.
  const std::vector<uint64_t>& bits() const { return bits_; }
  bool Allows(uint32_t index) const { return (bits_[index / 64] >> (index % 64) & 1) != 0; }
  /// Of commands whose bit is not set: with which first arguments they are allowed all the same.
  const std::map<uint32_t, std::vector<std::string>>& first_args() const { return first_args_; }

  /// "+@all -get", "-@all +@read": the rules in the order they were given, as Redis 7.2 shows them.
  std::string DescribeCommands() const;
  /// "~a %R~b", or "~*".
  std::string DescribeKeys() const;
  /// "&a %S&b", or "&*".
  std::string DescribeChannels() const;
  /// All three as rules that make this selector from a new one: "~a resetchannels &b -@all +get".
  std::string Describe() const;
  /// As Describe, for parentheses: words that would be misread between them are quoted.
  std::string DescribeQuoted() const;

 private:
  protocol::Result<void> ApplyKeys(std::string_view rule, uint8_t rights);
  protocol::Result<void> ApplyChannels(std::string_view pattern, uint8_t rights);
  protocol::Result<void> ApplyPercent(std::string_view rule);
  protocol::Result<void> ApplyCommand(std::string_view rule);
  protocol::Result<void> AllowWithArgument(std::string_view name);
  protocol::Result<void> ApplyCategory(std::string_view rule);
  void SetAll(bool allowed);
  void Set(const TableEntry& entry, bool allowed);
  /// Keeps `rule` for DescribeCommands, in the place of an older one for the same name.
  void Note(bool allowed, std::string_view name);

  bool has_all_keys_ = false;
  bool has_all_channels_;
  bool has_future_commands_ = false;
  const CommandTable* commands_;
  std::vector<uint64_t> bits_;
  std::map<uint32_t, std::vector<std::string>> first_args_;
  PatternRules keys_;
  PatternRules channels_;
  std::vector<std::string> notes_;  // "+get", "-@write"
};

/// What rules are applied against.
struct RuleContext {
  const CommandTable& commands;
  /// acl-pubsub-default.
  bool all_channels_by_default = false;
  /// Whether there is a role of that name. Null: there are none.
  bool (*has_role)(const void* roles, std::string_view name) = nullptr;
  const void* roles = nullptr;
};

/// Everything that rules say about one user, or one role.
struct UserRules {
  enum class Kind : uint8_t { kUser, kRole };
  enum class Sanitize : uint8_t { kUnsaid, kYes, kSkip };

  /// A new user: off, without passwords and rights.
  UserRules(Kind user_or_role, std::string_view user_name, const RuleContext& context);

  /// Applies one rule. An error (of acl_errors) changes nothing.
  protocol::Result<void> Apply(std::string_view rule, const RuleContext& context);

  /// Makes `password` the only one; empty: none is needed. For requirepass.
  void SetOnlyPassword(std::string_view password);

  const SelectorRules& root() const { return selectors[0]; }
  /// As in the aclfile, without "user <name>": "on #1c8b… ~* &* +@all (~a +get) role:reader".
  std::string Describe() const;
  /// "on", "nopass", "sanitize-payload": as ACL GETUSER shows them.
  std::vector<std::string_view> Flags() const;

  Kind kind;
  std::string name;
  bool is_on = false;
  bool needs_no_password = false;
  Sanitize sanitize = Sanitize::kUnsaid;
  std::vector<std::string> passwords;    // SHA-256 in hexadecimal
  std::vector<SelectorRules> selectors;  // the first holds the rules outside parentheses
  std::vector<std::string> roles;

 private:
  protocol::Result<void> ApplyPassword(std::string_view rule);
  protocol::Result<void> AddSelector(std::string_view text, const RuleContext& context);
  std::optional<protocol::Result<void>> ApplyRole(std::string_view rule,
                                                  const RuleContext& context);
  void Reset(const RuleContext& context);
};

/// Whether `text` can be neither a name nor a pattern: it has blanks or NUL octets.
bool HasBlanks(std::string_view text);

/// The words between single spaces; views of `text`.
std::vector<std::string_view> SplitAtSpaces(std::string_view text);

/// Joins the words of a selector that was given in several: "(+get", "~a)" becomes "(+get ~a)".
/// Error: the index of the word that opens a parenthesis which nothing closes.
struct MergedRules {
  std::vector<std::string> rules;
  std::optional<size_t> unmatched;
};
MergedRules MergeSelectors(std::span<const std::string_view> words);

/// "~", "%R~", "%W~" and "&", "%P&", "%S&".
std::string_view KeyPrefix(uint8_t rights);
std::string_view ChannelPrefix(uint8_t rights);

}  // namespace peal::broker
