#include "broker/config/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "broker/config/check_system.h"
#include "broker/config/notify_flags.h"
#include "broker/config/options.h"
#include "broker/config/reference.h"

namespace peal::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;
using testing::StartsWith;
using testing::UnorderedElementsAre;

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A directory that goes away with the test.
class Scratch {
 public:
  Scratch() {
    char path[] = "/tmp/peal-config-XXXXXX";
    if (mkdtemp(path) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = path;
  }
  ~Scratch() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = path_ + "/" + name;
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

// The error of loading `text`, or "" if it is accepted.
std::string Refusal(ConfigStore& store, std::string_view text) {
  const auto loaded = store.LoadText(text, "test.conf");
  return loaded.ok() ? "" : std::string(loaded.error().text());
}

std::string SetRefusal(ConfigStore& store, std::vector<ConfigStore::Pair> pairs,
                       bool is_local = false) {
  const auto changed = store.Set(pairs, is_local);
  return changed.ok() ? "" : std::string(changed.error().text());
}

std::vector<std::string> Names(const std::vector<const Directive*>& rows) {
  std::vector<std::string> names;
  for (const Directive* row : rows) names.emplace_back(row->name);
  return names;
}

TEST(ConfigStore, StartsWithTheDefaultsOfTheStruct) {
  const ConfigStore store;
  const Config& made = store.config();
  const Config plain;
  EXPECT_EQ(made.bind, plain.bind);
  EXPECT_EQ(made.port, plain.port);
  EXPECT_EQ(made.tcp_backlog, plain.tcp_backlog);
  EXPECT_EQ(made.tcp_keepalive_s, plain.tcp_keepalive_s);
  EXPECT_EQ(made.maxclients, plain.maxclients);
  EXPECT_EQ(made.protected_mode, plain.protected_mode);
  EXPECT_EQ(made.proto_max_bulk_len, plain.proto_max_bulk_len);
  EXPECT_EQ(made.client_query_buffer_limit, plain.client_query_buffer_limit);
  for (size_t i = 0; i < kClientClasses; ++i) {
    EXPECT_EQ(made.output_limits[i].hard_bytes, plain.output_limits[i].hard_bytes);
    EXPECT_EQ(made.output_limits[i].soft_bytes, plain.output_limits[i].soft_bytes);
    EXPECT_EQ(made.output_limits[i].soft_seconds, plain.output_limits[i].soft_seconds);
  }
  EXPECT_EQ(made.inbox_soft_limit_bytes, plain.inbox_soft_limit_bytes);
  EXPECT_EQ(made.supervised, plain.supervised);
  EXPECT_EQ(made.loglevel, plain.loglevel);
  EXPECT_EQ(made.log_format, plain.log_format);
  EXPECT_EQ(made.hz, plain.hz);
  EXPECT_EQ(made.shutdown_timeout_s, plain.shutdown_timeout_s);
  EXPECT_EQ(made.databases, plain.databases);
  EXPECT_EQ(made.keyspace_stripes, plain.keyspace_stripes);
  EXPECT_EQ(made.maxmemory_policy, plain.maxmemory_policy);
  EXPECT_EQ(made.slowlog_log_slower_than_us, plain.slowlog_log_slower_than_us);
  EXPECT_EQ(made.slowlog_max_len, plain.slowlog_max_len);
  EXPECT_EQ(made.latency_tracking_info_percentiles, plain.latency_tracking_info_percentiles);
  EXPECT_EQ(made.busy_reply_threshold_ms, plain.busy_reply_threshold_ms);
  EXPECT_EQ(made.pubsub_cleanup_slice_us, plain.pubsub_cleanup_slice_us);
  EXPECT_FALSE(made.dir.empty());
  EXPECT_GE(made.io_threads, 1u);
}

TEST(ConfigStore, ReadsAFileIntoTypedFields) {
  ConfigStore store;
  ASSERT_EQ(Refusal(store,
                    "# comment\n"
                    "port 7000\r\n"
                    "\tbind 127.0.0.1 -::1  \n"
                    "requirepass \"s\\x65cret \\\"x\"\n"
                    "MAXMEMORY 1gb\n"
                    "maxmemory-clients 5%\n"
                    "client-output-buffer-limit pubsub 1mb 2mb 3\n"
                    "client-output-buffer-limit replica 7 8 9\n"
                    "notify-keyspace-events KEx\n"
                    "lua-time-limit 100\n"
                    "unixsocketperm 770\n"
                    "shutdown-on-sigterm nosave now\n"
                    "loglevel verbose"),
            "");
  const Config& config = store.config();
  EXPECT_EQ(config.port, 7000);
  EXPECT_THAT(config.bind, ElementsAre("127.0.0.1", "-::1"));
  EXPECT_EQ(config.requirepass, "secret \"x");
  EXPECT_EQ(config.maxmemory_bytes, 1ull << 30);
  EXPECT_EQ(config.maxmemory_clients.Resolve(1000), 50u);
  EXPECT_EQ(config.output_limit(ClientClass::kPubSub).hard_bytes, 1u << 20);
  EXPECT_EQ(config.output_limit(ClientClass::kReplica).soft_seconds, 9u);
  EXPECT_EQ(config.notify_keyspace_events, kNotifyKeyspace | kNotifyKeyevent | kNotifyExpired);
  EXPECT_EQ(config.busy_reply_threshold_ms, 100);
  EXPECT_EQ(config.unixsocketperm, 0770u);
  EXPECT_EQ(config.shutdown_on_sigterm, kShutdownNoSave | kShutdownNow);
  EXPECT_EQ(config.loglevel, LogLevel::kVerbose);
  EXPECT_EQ(store.SourceOf(*FindDirective("port")).Describe(), "test.conf:2");
  EXPECT_EQ(store.SourceOf(*FindDirective("hz")).Describe(), "default");
}

TEST(ConfigStore, NamesFileLineAndReasonOfAnError) {
  ConfigStore store;
  EXPECT_EQ(Refusal(store, "port 1\n\nmaxmemory 1xb\n"),
            std::string("*** FATAL CONFIG FILE ERROR (Peal ") + PealVersion() +
                ") ***\nReading the configuration file, at line 3 of test.conf\n>>> 'maxmemory "
                "1xb'\nargument must be a memory value");
  EXPECT_THAT(Refusal(store, "prt 1"), HasSubstr("Bad directive or wrong number of arguments "
                                                 "(did you mean 'port'?)"));
  EXPECT_THAT(Refusal(store, "port \"1"), HasSubstr("Unbalanced quotes in configuration line"));
  EXPECT_THAT(Refusal(store, "port 1 # no comment here"), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(Refusal(store, "include"), HasSubstr("Bad directive"));
  EXPECT_THAT(Refusal(store, "rename-command a"), HasSubstr("Bad directive"));
  EXPECT_THAT(Refusal(store, "user"), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(Refusal(store, "loadmodule x.so"), HasSubstr("modules are not supported"));
  EXPECT_THAT(Refusal(store, "sentinel monitor x"), HasSubstr("sentinel"));
}

TEST(ConfigStore, NeverShowsAPasswordInAnError) {
  ConfigStore store;
  EXPECT_THAT(Refusal(store, "requirepass hunter2 x"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(Refusal(store, "masterauth \"hunter2"), Not(HasSubstr("hunter2")));
}

TEST(ConfigStore, AddsUpSavePointsAndForgetsThemWithAnEmptyOne) {
  ConfigStore store;
  EXPECT_EQ(store.Text("save"), "3600 1 300 100 60 10000");
  ASSERT_EQ(Refusal(store, "save 900 1\nsave 300 10 60 100\n"), "");
  EXPECT_EQ(store.Text("save"), "900 1 300 10 60 100");
  ASSERT_EQ(Refusal(store, "save \"\"\nsave 5 5\n"), "");
  EXPECT_EQ(store.Text("save"), "5 5");
}

TEST(ConfigStore, IncludesFilesAndGlobsButNotForever) {
  Scratch scratch;
  const std::string a = scratch.Write("a.conf", "port 1\ninclude " + scratch.path() + "/b*.conf\n");
  scratch.Write("b1.conf", "port 2\ntimeout 5\n");
  scratch.Write("b2.conf", "port 3\n");
  const std::string loop = scratch.Write("loop.conf", "include " + scratch.path() + "/loop.conf\n");
  ConfigStore store;
  ASSERT_TRUE(store.LoadFile(a).ok());
  EXPECT_EQ(store.config().port, 3);
  EXPECT_EQ(store.config().timeout_s, 5u);
  EXPECT_THAT(store.SourceOf(*FindDirective("port")).Describe(), testing::EndsWith("b2.conf:1"));
  EXPECT_EQ(store.file(), a);
  ASSERT_FALSE(store.LoadFile(loop).ok());
  EXPECT_THAT(store.LoadFile(loop).error().text(), HasSubstr("nested too deeply"));
  EXPECT_EQ(store.LoadFile("/nonexistent.conf").error().text(),
            "Fatal error, can't open config file '/nonexistent.conf': No such file or directory");
  EXPECT_EQ(Refusal(store, "include /nonexistent/*.conf"), "");
}

TEST(ConfigStore, TakesArgumentsOverEnvironmentOverFile) {
  Scratch scratch;
  const std::string file =
      scratch.Write("peal.conf", "port 1\ntimeout 1\ntcp-keepalive 1\nsave 1 1\n");
  const char* environment[] = {"HOME=/",
                               "PEAL_TIMEOUT=2",
                               "PEAL_TCP_KEEPALIVE=2",
                               "PEAL_CLIENT_OUTPUT_BUFFER_LIMIT=pubsub 1 2 3",
                               "PEAL_REQUIREPASS=a \"b",
                               nullptr};
  const std::vector<std::string> args = {
      file,     "--tcp-keepalive", "3",  "--requirepass", "--not-a-directive", "--save",
      "--bind", "127.0.0.1",       "::1"};
  ConfigStore store;
  const auto applied = store.ApplyArgs(args, environment);
  ASSERT_TRUE(applied.ok()) << applied.error().text();
  EXPECT_EQ(store.config().port, 1);
  EXPECT_EQ(store.config().timeout_s, 2u);
  EXPECT_EQ(store.config().tcp_keepalive_s, 3u);
  EXPECT_EQ(store.config().requirepass, "--not-a-directive");
  EXPECT_EQ(store.Text("save"), "");
  EXPECT_THAT(store.config().bind, ElementsAre("127.0.0.1", "::1"));
  EXPECT_EQ(store.config().output_limit(ClientClass::kPubSub).soft_seconds, 3u);
  EXPECT_EQ(store.SourceOf(*FindDirective("timeout")).Describe(), "environment");
  EXPECT_EQ(store.SourceOf(*FindDirective("bind")).Describe(), "argument");
}

TEST(ConfigStore, RefusesWrongArguments) {
  const auto refusal = [](std::vector<std::string> args) {
    ConfigStore store;
    const auto applied = store.ApplyArgs(args);
    return applied.ok() ? "" : std::string(applied.error().text());
  };
  EXPECT_THAT(refusal({"--prt", "1"}), HasSubstr("Reading the command line\n>>> 'prt 1'\nBad "
                                                 "directive or wrong number of arguments (did you "
                                                 "mean 'port'?)"));
  EXPECT_THAT(refusal({"--port"}), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(refusal({"--port", "1", "2"}), HasSubstr("wrong number of arguments"));
  EXPECT_THAT(refusal({"--"}), HasSubstr("Reading the command line"));
  EXPECT_THAT(refusal({"--requirepass", "hunter2", "x"}), Not(HasSubstr("hunter2")));
  EXPECT_EQ(refusal({}), "");
}

TEST(ConfigStore, LeavesForeignEnvironmentVariablesAloneButTellsOfThem) {
  const char* environment[] = {"PEAL_PORT=tcp://10.0.0.1:6379", "PEAL_SERVICE_HOST=10.0.0.1",
                               "PEAL_HZ=20", nullptr};
  ConfigStore store;
  ASSERT_TRUE(store.ApplyArgs({}, environment).ok());
  EXPECT_EQ(store.config().port, 6379);
  EXPECT_EQ(store.config().hz, 20u);
  ASSERT_EQ(store.Notices().size(), 2u);
  EXPECT_THAT(store.Notices()[0].text, StartsWith("PEAL_PORT "));
  const char* wrong[] = {"PEAL_HZ=x", nullptr};
  const auto applied = store.ApplyEnvironment(wrong);
  ASSERT_FALSE(applied.ok());
  EXPECT_THAT(applied.error().text(), HasSubstr("Reading the environment variable PEAL_HZ"));
}

TEST(ConfigStore, GetsByGlobInAnyCaseWithoutRepeats) {
  const ConfigStore store;
  const std::vector<std::string_view> globs = {"timeout", "TIME*", "no-such", "tcp-*"};
  EXPECT_THAT(store.Get(globs),
              UnorderedElementsAre(Pair("timeout", "0"), Pair("tcp-keepalive", "300"),
                                   Pair("tcp-backlog", "511")));
  const std::vector<std::string_view> echo = {"TimeOut"};
  EXPECT_THAT(store.Get(echo), ElementsAre(Pair("TimeOut", "0")));
  const std::vector<std::string_view> aliases = {"slave-read-only", "*time-limit"};
  EXPECT_THAT(store.Get(aliases),
              ElementsAre(Pair("slave-read-only", "yes"), Pair("lua-time-limit", "5000")));
  const std::vector<std::string_view> hidden = {"watchdog-perio?"};
  EXPECT_THAT(store.Get(hidden), IsEmpty());
  const std::vector<std::string_view> by_name = {"watchdog-period"};
  EXPECT_THAT(store.Get(by_name), ElementsAre(Pair("watchdog-period", "0")));
}

TEST(ConfigStore, SetsAllOrNothing) {
  ConfigStore store;
  EXPECT_EQ(SetRefusal(store, {{"timeout", "7"}, {"maxmemory", "1mb"}, {"loglevel", "loud"}}),
            "ERR CONFIG SET failed (possibly related to argument 'loglevel') - argument(s) must be "
            "one of the following: debug, verbose, notice, warning, nothing");
  EXPECT_EQ(store.config().timeout_s, 0u);
  EXPECT_EQ(store.config().maxmemory_bytes, 0u);
  EXPECT_EQ(store.SourceOf(*FindDirective("timeout")).Describe(), "default");

  const std::vector<ConfigStore::Pair> pairs = {{"timeout", "7"}, {"HZ", "10"}, {"save", ""}};
  const auto changed = store.Set(pairs, false);
  ASSERT_TRUE(changed.ok());
  EXPECT_THAT(Names(*changed), ElementsAre("timeout", "save"));
  EXPECT_EQ(store.config().timeout_s, 7u);
  store.Rollback();
  EXPECT_EQ(store.config().timeout_s, 0u);
  EXPECT_EQ(store.Text("save"), "3600 1 300 100 60 10000");
  store.Rollback();
  EXPECT_EQ(store.config().timeout_s, 0u);
}

TEST(ConfigStore, RollsBackAnAliasBesideItsName) {
  ConfigStore store;
  const std::vector<ConfigStore::Pair> pairs = {{"lua-time-limit", "1"},
                                                {"busy-reply-threshold", "2"}};
  const auto changed = store.Set(pairs, false);
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(changed->size(), 1u);
  EXPECT_EQ(store.config().busy_reply_threshold_ms, 2);
  store.Rollback();
  EXPECT_EQ(store.config().busy_reply_threshold_ms, 5000);
}

TEST(ConfigStore, ProtectsDirectivesFromClients) {
  ConfigStore store;
  EXPECT_EQ(SetRefusal(store, {{"dir", "/"}}, true),
            "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected "
            "config");
  EXPECT_EQ(SetRefusal(store, {{"daemonize", "yes"}}),
            "ERR CONFIG SET failed (possibly related to argument 'daemonize') - can't set "
            "immutable config");
  ASSERT_EQ(Refusal(store, "enable-protected-configs local"), "");
  EXPECT_NE(SetRefusal(store, {{"dir", "/"}}, false), "");
  EXPECT_EQ(SetRefusal(store, {{"dir", "/"}}, true), "");
  EXPECT_EQ(store.config().dir, "/");
}

constexpr char kGoldenBefore[] =
    "# Our broker.\n"
    "port 7000\n"
    "\n"
    "# Limits\n"
    "maxmemory   64mb\n"
    "client-output-buffer-limit pubsub 32mb 8mb 60\n"
    "client-output-buffer-limit normal 0 0 0\n"
    "save 900 1\n"
    "save 300 10\n"
    "rename-command FLUSHALL \"\"\n"
    "timeout 10\n"
    "# the end";
constexpr char kGoldenAfter[] =
    "# Our broker.\n"
    "port 7000\n"
    "\n"
    "# Limits\n"
    "maxmemory   64mb\n"
    "client-output-buffer-limit normal 0 0 0\n"
    "client-output-buffer-limit replica 256mb 64mb 60\n"
    "client-output-buffer-limit pubsub 1mb 0 0\n"
    "save \"\"\n"
    "rename-command FLUSHALL \"\"\n"
    "timeout 0\n"
    "# the end\n"
    "\n"
    "# Generated by CONFIG REWRITE: settings changed at run time\n"
    "loglevel verbose\n"
    "notify-keyspace-events AKE\n"
    "requirepass \"a b\"\n";

TEST(ConfigStore, RewritesOnlyWhatChangedAndKeepsComments) {
  Scratch scratch;
  const std::string file = scratch.Write("peal.conf", kGoldenBefore);
  chmod(file.c_str(), 0640);
  ConfigStore store;
  ASSERT_TRUE(store.LoadFile(file).ok());
  ASSERT_TRUE(store.Rewrite(nullptr).ok());
  EXPECT_EQ(ReadFile(file), std::string(kGoldenBefore) + "\n");

  ASSERT_EQ(SetRefusal(store, {{"client-output-buffer-limit", "pubsub 1mb 0 0"},
                               {"save", ""},
                               {"timeout", "0"},
                               {"loglevel", "verbose"},
                               {"hz", "10"},
                               {"requirepass", "a b"},
                               {"notify-keyspace-events", "KEA"},
                               {"maxmemory", "67108864"}}),
            "");
  ASSERT_TRUE(store.Rewrite(nullptr).ok());
  EXPECT_EQ(ReadFile(file), kGoldenAfter);
  struct stat info = {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);

  ASSERT_TRUE(store.Rewrite(nullptr).ok());
  EXPECT_EQ(ReadFile(file), kGoldenAfter) << "a second rewrite changes nothing";
  ConfigStore again;
  ASSERT_TRUE(again.LoadFile(file).ok());
  const std::vector<std::string_view> all = {"*"};
  EXPECT_EQ(again.Get(all), store.Get(all));
}

TEST(ConfigStore, RewritesArgumentsButNotTheEnvironmentNorIncludedFiles) {
  Scratch scratch;
  const std::string included = scratch.Write("more.conf", "timeout 5\n");
  const std::string file = scratch.Write("peal.conf", "include " + included + "\n");
  const char* environment[] = {"PEAL_REQUIREPASS=hunter2", nullptr};
  const std::vector<std::string> args = {file, "--port", "7001"};
  ConfigStore store;
  ASSERT_TRUE(store.ApplyArgs(args, environment).ok());
  const std::string text = store.RewriteText(ReadFile(file), nullptr);
  EXPECT_THAT(text, HasSubstr("port 7001\n"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, Not(HasSubstr("timeout")));
}

TEST(ConfigStore, CannotRewriteWithoutAFile) {
  ConfigStore store;
  EXPECT_EQ(store.Rewrite(nullptr).error().text(),
            "ERR The server is running without a config file");
}

TEST(ConfigStore, SaysWhichDirectivesHaveNoEffect) {
  ConfigStore store;
  EXPECT_THAT(store.Notices(), IsEmpty());
  ASSERT_EQ(Refusal(store,
                    "appendonly yes\nreplicaof 10.0.0.1 6379\nrdb-save-incremental-fsync no\n"
                    "tls-session-caching yes\nsave \"\"\n"),
            "");
  const std::vector<ConfigStore::Notice> notices = store.Notices();
  ASSERT_EQ(notices.size(), 3u);
  EXPECT_TRUE(notices[0].is_warning);
  EXPECT_THAT(notices[0].text, HasSubstr("appendonly is set (test.conf:1) but this version does "
                                         "not write data to disk"));
  EXPECT_THAT(notices[1].text, HasSubstr("does not replicate"));
  EXPECT_FALSE(notices[2].is_warning);
  EXPECT_THAT(notices[2].text, HasSubstr("rdb-save-incremental-fsync (test.conf:3)"));
  EXPECT_THAT(notices[2].text, Not(HasSubstr("tls-session-caching")));
}

TEST(ConfigStore, DescribesWhatIsNotDefaultWithoutSecrets) {
  ConfigStore store;
  ASSERT_EQ(Refusal(store, "port 7000\nrequirepass hunter2\nhz 10\nactivedefrag yes\n"), "");
  const std::string text = store.Describe();
  EXPECT_THAT(text, HasSubstr("port \"7000\""));
  EXPECT_THAT(text, HasSubstr("# test.conf:1\n"));
  EXPECT_THAT(text, HasSubstr("requirepass (set)"));
  EXPECT_THAT(text, HasSubstr("no effect in this version"));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  EXPECT_THAT(text, Not(HasSubstr("hz")));
}

TEST(ConfigReference, IsTheOneInDocs) {
  EXPECT_EQ(ReadFile(PEAL_SOURCE_DIR "/docs/configuration.md"), ConfigReference())
      << "run peal-server --print-config-reference > docs/configuration.md";
}

TEST(Options, TakeTheirWordsAndLeaveTheRest) {
  const std::vector<std::string> args = {"peal.conf", "--test-config", "--requirepass", "-v"};
  const Options options = ParseOptions(args);
  EXPECT_EQ(options.mode, Options::Mode::kTestConfig);
  EXPECT_THAT(options.config_args, ElementsAre("peal.conf", "--requirepass", "-v"));
  const std::vector<std::string> version = {"-v"};
  EXPECT_EQ(ParseOptions(version).mode, Options::Mode::kVersion);
  EXPECT_THAT(VersionText(), StartsWith(std::string("peal-server v=") + PealVersion()));
  EXPECT_THAT(HelpText(), HasSubstr("--test-config"));
}

TEST(CheckSystem, AdvisesWhereTheMachineIsNotReady) {
  Scratch scratch;
  const std::vector<SystemFinding> unknown = CheckSystem(Config(), scratch.path());
  EXPECT_THAT(FormatFindings(unknown), HasSubstr("cannot be read"));
  Config config;
  config.maxclients = UINT32_MAX;
  EXPECT_THAT(FormatFindings(CheckSystem(config, scratch.path())), StartsWith("[look] open files"));
  EXPECT_TRUE(AreAllFine(unknown));
  EXPECT_FALSE(AreAllFine(CheckSystem(config, scratch.path())));
}

}  // namespace
}  // namespace peal::broker
