#include "broker/config/table/rows.h"
#include "broker/config/value.h"

namespace peal::broker::table {
namespace {

constexpr int64_t kMostLeewayS = 3600;
constexpr std::string_view kAclPubSub[] = {"allchannels", "resetchannels"};

constexpr Directive Access(std::string_view name, std::string_view summary) {
  return Fixed(OneOf(name, "no", kLocalAccess, summary));
}

void AssignAclPubSub(Config& config, std::string_view text) {
  config.acl_all_channels = text == "allchannels";
}

void AssignPercentiles(Config& config, std::string_view text) {
  config.latency_tracking_info_percentiles = ParsePercentiles(text);
}

template <auto kField>
void AssignNetworks(Config& config, std::string_view text) {
  config.*kField = AddressList::Of(text);
}

// In the order of protocol::Audit.
constexpr std::string_view kAuditEvents[] = {"none",  "auth",   "acl",   "config",
                                             "admin", "script", "denied"};
constexpr std::string_view kAuditErrors[] = {"continue", "refuse"};

template <auto kField>
void AssignAudit(Config& config, std::string_view text) {
  using Field = std::remove_reference_t<decltype(config.audit.*kField)>;
  if constexpr (std::is_same_v<Field, std::string>) {
    config.audit.*kField = text;
  } else if constexpr (std::is_same_v<Field, bool>) {
    config.audit.*kField = text == "refuse";
  } else {
    config.audit.*kField = ParseFlagSet(kAuditEvents, text) << 1;  // the first choice has no bit
  }
}

constexpr Directive kSecurityRows[] = {
    With(Active(Row(DirectiveType::kSecretText, "requirepass", "",
                    "Password of the default user; empty is none."),
                String<&Config::requirepass>, OnChange::kPassword),
         kSensitive),
    With(Active(Row(DirectiveType::kPath, "requirepass-file", "",
                    "File whose first line is that password; read at start, when it is set, and on "
                    "SIGHUP. Others must not be able to read it."),
                String<&Config::requirepass_file>, OnChange::kPassword),
         kPealOnly),
    With(Active(Row(DirectiveType::kPath, "auth-token-file", "",
                    "File of keys that tokens given to AUTH are verified with; read afresh on "
                    "SIGHUP. Empty: no tokens."),
                String<&Config::auth_token_file>, OnChange::kTokens),
         kPealOnly),
    With(Active(Integer("auth-token-leeway", "10", 0, kMostLeewayS,
                        "Seconds by which the clocks of who makes tokens may differ."),
                Number<&Config::auth_token_leeway_s>, OnChange::kTokens),
         kPealOnly),
    With(Active(Text("auth-token-issuer", "",
                     "What `iss` of JSON Web Tokens must be; empty is anything."),
                String<&Config::auth_token_issuer>, OnChange::kTokens),
         kPealOnly),
    With(Active(Text("auth-token-audience", "",
                     "What `aud` of JSON Web Tokens must name; empty: they must have none."),
                String<&Config::auth_token_audience>, OnChange::kTokens),
         kPealOnly),
    With(Active(Row(DirectiveType::kNetworks, "allow", "",
                    "Networks whose clients are let in over TCP, in CIDR notation; empty is all. "
                    "`tcp:` or `tls:` in front makes one hold for that port only."),
                AssignNetworks<&Config::allow>),
         kPealOnly),
    With(Active(Row(DirectiveType::kNetworks, "deny", "",
                    "Networks whose clients are not let in, whatever `allow` says; written alike."),
                AssignNetworks<&Config::deny>),
         kPealOnly),
    With(Active(Integer("auth-timeout", "60", 0, kIntMax,
                        "Seconds after which a client that must authenticate and has not is "
                        "closed; 0 never."),
                Number<&Config::auth_timeout_s>),
         kPealOnly),
    With(Active(Integer("auth-failures-per-minute", "1000", 0, kIntMax,
                        "Failed attempts of one address to authenticate after which its further "
                        "ones are refused for the rest of the minute; 0 is any number."),
                Number<&Config::auth_failures_per_min>),
         kPealOnly),
    With(Active(Row(DirectiveType::kPath, "audit-log-file", "",
                    "File for the audit log, JSON lines, reopened on SIGHUP; empty: off."),
                AssignAudit<&AuditSettings::file>, OnChange::kAudit),
         kPealOnly | kProtected),
    With(Active(FlagSet("audit-log-events", "auth acl config admin script denied", kAuditEvents,
                        "What goes there: logins, ACL, CONFIG, SHUTDOWN with FLUSHALL, FLUSHDB and "
                        "DEBUG, SCRIPT with FUNCTION, refusals for want of rights."),
                AssignAudit<&AuditSettings::events>, OnChange::kAudit),
         kPealOnly | kProtected),
    With(Active(OneOf("audit-log-on-error", "continue", kAuditErrors,
                      "Whether commands for the audit log are refused while it cannot be written."),
                AssignAudit<&AuditSettings::refuse_on_error>, OnChange::kAudit),
         kPealOnly | kProtected),
    Active(Access("enable-protected-configs",
                  "Whether CONFIG SET may change protected directives: nobody, anybody, or clients "
                  "on loopback and unix sockets."),
           Choice<&Config::enable_protected_configs, kLocalAccess>),
    Active(Access("enable-debug-command", "Who may use DEBUG."),
           Choice<&Config::enable_debug_command, kLocalAccess>),
    Active(Access("enable-module-command", "Who may use MODULE."),
           Choice<&Config::enable_module_command, kLocalAccess>),
    Fixed(Active(Text("aclfile", "", "File of users and their rights."), String<&Config::aclfile>)),
    Active(Integer("acllog-max-len", "128", 0, kLongMax, "Entries of ACL LOG."),
           Number<&Config::acllog_max_len>),
    Active(
        OneOf("acl-pubsub-default", "resetchannels", kAclPubSub, "Channel rights of a new user."),
        AssignAclPubSub),
};

constexpr Directive kObservabilityRows[] = {
    Aka("commandlog-execution-slower-than",
        Active(Integer("slowlog-log-slower-than", "10000", -1, kLongMax,
                       "Microseconds from which a command goes to SLOWLOG; 0 all, -1 none."),
               Number<&Config::slowlog_log_slower_than_us>)),
    Aka("commandlog-slow-execution-max-len",
        Active(Integer("slowlog-max-len", "128", 0, kLongMax, "Entries of SLOWLOG."),
               Number<&Config::slowlog_max_len>, OnChange::kCommandLog)),
    Active(Integer("commandlog-request-larger-than", "1048576", -1, kLongMax,
                   "Bytes from which a request goes to COMMANDLOG; 0 all, -1 none."),
           Number<&Config::large_request_bytes>),
    Active(Integer("commandlog-large-request-max-len", "128", 0, kLongMax,
                   "Entries of COMMANDLOG for large requests."),
           Number<&Config::large_request_max_len>, OnChange::kCommandLog),
    Active(Integer("commandlog-reply-larger-than", "1048576", -1, kLongMax,
                   "Bytes from which a reply goes to COMMANDLOG; 0 all, -1 none."),
           Number<&Config::large_reply_bytes>),
    Active(Integer("commandlog-large-reply-max-len", "128", 0, kLongMax,
                   "Entries of COMMANDLOG for large replies."),
           Number<&Config::large_reply_max_len>, OnChange::kCommandLog),
    Active(Integer("latency-monitor-threshold", "0", 0, kLongMax,
                   "Milliseconds from which an event goes to LATENCY; 0 is off."),
           Number<&Config::latency_monitor_threshold_ms>),
    Active(Bool("latency-tracking", "yes", "Keep a histogram of each command's run time."),
           Flag<&Config::latency_tracking>, OnChange::kLatency),
    Active(Row(DirectiveType::kPercentiles, "latency-tracking-info-percentiles", "50 99 99.9",
               "Percentiles that INFO latencystats shows."),
           AssignPercentiles),
};

}  // namespace

std::span<const Directive> SecurityRows() { return kSecurityRows; }
std::span<const Directive> ObservabilityRows() { return kObservabilityRows; }

}  // namespace peal::broker::table
