#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// How the text of a directive is read, checked and printed.
enum class DirectiveType : uint8_t {
  kBool,          // yes | no
  kInteger,       // decimal, min..max
  kHertz,         // as kInteger, then brought into 1..500
  kOctal,         // octal, min..max
  kMemory,        // bytes, with b k kb m mb g gb; printed as bytes
  kMemoryShare,   // kMemory or "N%"
  kEnum,          // one of choices
  kFlagSet,       // one or more of choices, space-separated
  kText,          // any text
  kSecretText,    // any text that never reaches a log or a report
  kPath,          // as kText, no NUL
  kFileName,      // a name without '/'
  kDirectory,     // an existing directory; kept as an absolute path
  kList,          // words, space-separated
  kNetworks,      // words of address_rules.h, space-separated
  kThreads,       // "auto" (or 0) or 1..128
  kPowerOfTwo,    // decimal, min..max, one bit set
  kOutputLimits,  // groups of <class> <hard> <soft> <soft seconds>; classes not named are kept
  kSavePoints,    // groups of <seconds> <changes>
  kNotifyFlags,   // letters of notify_flags.h
  kPercentiles,   // numbers 0..100
  kOomScores,     // three integers -2000..2000
  kReplicaOf,     // <host> <port> or "no one"
  kProcTitle,     // text with {variables}
};

/// kActive directives do what they say. kAccepted ones are redis.conf directives that have no
/// effect here: their value is checked and kept, and one log line at start says so when it is not
/// the default.
enum class DirectiveStatus : uint8_t { kActive, kAccepted };

/// What the server must do after a run-time change. kNone: the field is read afresh where it is
/// used.
enum class OnChange : uint8_t {
  kNone,
  kListeners,     // bind, port, tls-port: open the new ones, then close the old ones; may fail
  kTls,           // certificates and rules of TLS: read the files afresh; may fail
  kMaxClients,    // check the limit of descriptors; may fail
  kMaxMemory,     // evict or refuse from now on
  kClientMemory,  // maxmemory-clients, output limits: look at the clients again
  kLog,           // level or format
  kCron,          // hz
  kDirectory,     // chdir; may fail
  kPassword,      // requirepass: the default user's password; may fail
  kTokens,        // read the keys of tokens; may fail
  kAudit,         // open the audit log, which CONFIG SET does itself; may fail
  kNotify,        // notify-keyspace-events mask
  kTcpKeepalive,  // for connections accepted from now on
  kCommandLog,    // trim to the new lengths
  kAllocator,     // jemalloc-bg-thread
  kLatency,       // forget histograms when switched off
  kProcTitle,
};

/// Chapter of the reference.
enum class DirectiveGroup : uint8_t {
  kNetwork,
  kProcess,
  kPubSub,
  kMemory,
  kKeyspace,
  kSecurity,
  kObservability,
  kPersistence,
  kReplication,
  kCluster,
  kTls,
  kEncoding,
};
inline constexpr size_t kDirectiveGroups = 12;

enum DirectiveFlag : uint32_t {
  kFixed = 1u << 0,          // not changeable at run time
  kSensitive = 1u << 1,      // its value is never logged or printed by --test-config
  kProtected = 1u << 2,      // CONFIG SET needs enable-protected-configs
  kHidden = 1u << 3,         // CONFIG GET shows it only when asked by its exact name
  kPealOnly = 1u << 4,       // no redis.conf directive
  kNoEffectAlarm = 1u << 5,  // kAccepted and not default: data safety is at stake, log a warning
};

/// One row of the table of directives; all rows are static and immutable.
struct Directive {
  std::string_view name;
  std::string_view alias;  // older name that works everywhere too; empty if none
  DirectiveType type;
  std::string_view default_text;  // as CONFIG GET prints it
  int64_t min = 0;                // inclusive, for the numeric types
  int64_t max = INT64_MAX;
  std::span<const std::string_view> choices = {};
  uint32_t flags = 0;  // DirectiveFlag
  DirectiveStatus status = DirectiveStatus::kAccepted;
  DirectiveGroup group = DirectiveGroup::kProcess;
  OnChange on_change = OnChange::kNone;
  /// Puts a canonical text (what Canonicalise returned) into the typed field; null for kAccepted.
  void (*assign)(Config& config, std::string_view canonical) = nullptr;
  std::string_view summary;  // one sentence for the reference

  bool has(DirectiveFlag flag) const { return (flags & flag) != 0; }
};

/// All rows, sorted by group, then as the reference shows them.
std::span<const Directive> Directives();

/// Finds a row by name or alias, in any letter case; nullptr if there is none.
const Directive* FindDirective(std::string_view name);

/// The known name (or alias) nearest to `name` by edit distance; empty if none is near.
std::string_view NearestDirective(std::string_view name);

/// Checks `words` against the row and returns the text that CONFIG GET prints.
///
/// `current` is the canonical text in force, which kOutputLimits changes in part. The error is the
/// bare reason as redis-server words it ("argument must be 'yes' or 'no'"), without a prefix.
protocol::Result<std::string> Canonicalise(const Directive& directive,
                                           std::span<const std::string> words,
                                           std::string_view current);

/// The canonical text as one or more lines "name value…" of a configuration file, quoted where
/// needed.
std::vector<std::string> FormatLines(const Directive& directive, std::string_view canonical);

/// The canonical default, computed where the machine decides (io-threads).
std::string DefaultText(const Directive& directive);

/// "Network", "Publish and subscribe", …
std::string_view GroupTitle(DirectiveGroup group);

/// "yes or no", "0 to 65535", "memory": for the reference.
std::string DescribeType(const Directive& directive);

}  // namespace peal::broker
