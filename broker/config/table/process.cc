#include "broker/config/table/rows.h"
#include "broker/config/value.h"

namespace peal::broker::table {
namespace {

// What a state with its libraries takes, and something to work with.
constexpr int64_t kLeastLuaMemory = int64_t{4} << 20;
constexpr std::string_view kSupervised[] = {"upstart", "systemd", "auto", "no"};
constexpr std::string_view kLogLevels[] = {"debug", "verbose", "notice", "warning", "nothing"};
constexpr std::string_view kLogFormats[] = {"text", "json"};
constexpr std::string_view kShutdown[] = {"default", "save", "nosave", "now", "force"};
constexpr std::string_view kOomScoreAdj[] = {"no", "yes", "relative", "absolute"};
constexpr std::string_view kFacilities[] = {"user",   "local0", "local1", "local2", "local3",
                                            "local4", "local5", "local6", "local7"};
constexpr std::string_view kPropagation[] = {"ignore", "panic", "panic-on-replicas"};

template <auto kField>
void AssignShutdown(Config& config, std::string_view text) {
  config.*kField = ParseFlagSet(kShutdown, text);
}

constexpr Directive kRows[] = {
    Fixed(Active(Bool("daemonize", "no", "Run in the background."), Flag<&Config::daemonize>)),
    Fixed(Active(Row(DirectiveType::kPath, "pidfile", "",
                     "File that holds the process id while the server runs."),
                 String<&Config::pidfile>)),
    Fixed(Active(OneOf("supervised", "no", kSupervised,
                       "Service manager to report to. `systemd` and `auto` use NOTIFY_SOCKET."),
                 Choice<&Config::supervised, kSupervised>)),
    Active(OneOf("loglevel", "notice", kLogLevels, "Least important log lines that are written."),
           Choice<&Config::loglevel, kLogLevels>, OnChange::kLog),
    Fixed(Active(Row(DirectiveType::kPath, "logfile", "",
                     "File for the log, reopened on SIGHUP; empty is standard output."),
                 String<&Config::logfile>)),
    With(Active(OneOf("log-format", "text", kLogFormats, "Text lines or one JSON object per line."),
                Choice<&Config::log_format, kLogFormats>, OnChange::kLog),
         kPealOnly),
    With(Active(Row(DirectiveType::kDirectory, "dir", "", "Working directory."),
                String<&Config::dir>, OnChange::kDirectory),
         kProtected),
    Active(Bounded(DirectiveType::kHertz, "hz", "10", 0, kIntMax,
                   "Rounds of background work per second, 1 to 500; others are brought there."),
           Number<&Config::hz>, OnChange::kCron),
    Active(Bool("dynamic-hz", "yes", "More rounds of background work with many clients."),
           Flag<&Config::dynamic_hz>),
    Active(Integer("shutdown-timeout", "10", 0, kIntMax,
                   "Seconds that a shutdown may take to deliver what is queued."),
           Number<&Config::shutdown_timeout_s>),
    Active(FlagSet("shutdown-on-sigint", "default", kShutdown, "How SIGINT ends the server."),
           AssignShutdown<&Config::shutdown_on_sigint>),
    Active(FlagSet("shutdown-on-sigterm", "default", kShutdown, "How SIGTERM ends the server."),
           AssignShutdown<&Config::shutdown_on_sigterm>),
    Fixed(Active(Bool("set-proc-title", "yes", "Show state in the list of processes."),
                 Flag<&Config::set_proc_title>)),
    Active(Row(DirectiveType::kProcTitle, "proc-title-template",
               "{title} {listen-addr} {server-mode}", "What the list of processes shows."),
           String<&Config::proc_title_template>, OnChange::kProcTitle),
    Fixed(Active(Bool("always-show-logo", "no", "Greet at start even without a terminal."),
                 Flag<&Config::always_show_logo>)),
    Aka("lua-time-limit",
        Active(Integer("busy-reply-threshold", "5000", 0, kLongMax,
                       "Milliseconds after which clients waiting for one long command get BUSY."),
               Number<&Config::busy_reply_threshold_ms>)),
    Active(Memory("lua-memory-limit", "268435456", kLeastLuaMemory, kIntMax,
                  "Bytes that the scripts of one reactor may hold."),
           Number<&Config::lua_memory_limit_bytes>),
    Fixed(Bool("syslog-enabled", "no", "Log to syslog.")),
    Fixed(Text("syslog-ident", "redis", "Name in syslog.")),
    Fixed(OneOf("syslog-facility", "local0", kFacilities, "Facility in syslog.")),
    Text("locale-collate", "", "Locale of SORT ALPHA."),
    Bool("crash-log-enabled", "yes", "Report on a crash."),
    Bool("crash-memcheck-enabled", "yes", "Test memory after a crash."),
    With(Bool("use-exit-on-panic", "no", "End by exit instead of abort after a failed check."),
         kHidden),
    With(Integer("watchdog-period", "0", 0, kIntMax, "Milliseconds of the software watchdog."),
         kHidden),
    Fixed(Bool("disable-thp", "yes", "Switch transparent huge pages off for the process.")),
    OneOf("oom-score-adj", "no", kOomScoreAdj, "Adjust the kernel's out-of-memory score."),
    Row(DirectiveType::kOomScores, "oom-score-adj-values", "0 200 800",
        "Scores of primary, replica and child."),
    Fixed(Text("server_cpulist", "", "Cores of the server's threads.")),
    Fixed(Text("bio_cpulist", "", "Cores of background threads.")),
    Fixed(Text("aof_rewrite_cpulist", "", "Cores of append-only file rewriting.")),
    Fixed(Text("bgsave_cpulist", "", "Cores of snapshot writing.")),
    Text("ignore-warnings", "", "Start-up checks to skip."),
    OneOf("propagation-error-behavior", "ignore", kPropagation,
          "What a replica does with a command that fails."),
};

}  // namespace

std::span<const Directive> ProcessRows() { return kRows; }

}  // namespace peal::broker::table
