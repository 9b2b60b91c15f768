// The audit log: what goes there and in which form, what never does, and what happens when it
// cannot be written.

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

/// What stands behind time, address and id: those differ from run to run.
std::string Essence(std::string line) {
  const auto cut = [&](const std::string& from, const std::string& to) {
    const size_t begin = line.find(from);
    const size_t end = begin == std::string::npos ? begin : line.find(to, begin + from.size());
    if (end != std::string::npos) line.erase(begin, end - begin);
  };
  cut("{\"time\":", ",\"event\"");
  cut(",\"addr\":", ",\"id\"");
  cut(",\"id\":", ",\"");
  return line;
}

class Audit : public ::testing::Test {
 protected:
  Audit() : dir_(MakeTemporaryDirectory()), file_(dir_ + "/audit.log") {}
  ~Audit() override { std::filesystem::remove_all(dir_); }

  ServerOptions Options(std::vector<std::string> more = {}) const {
    ServerOptions options{.reactors = 2, .stripes = 16, .args = {"--audit-log-file", file_}};
    options.args.insert(options.args.end(), {"--enable-protected-configs", "yes"});
    options.args.insert(options.args.end(), more.begin(), more.end());
    return options;
  }
  std::vector<std::string> Records() const {
    std::vector<std::string> essences;
    for (const std::string& line : Lines(ReadFile(file_))) essences.push_back(Essence(line));
    return essences;
  }

  const std::string dir_;
  const std::string file_;
};

TEST_F(Audit, RecordsWhoDidWhat) {
  Server server(Options());
  Client admin = server.Connect();
  EXPECT_EQ(admin.Do("PING"), "PONG");
  EXPECT_EQ(admin.Do("SET a b"), "OK");
  EXPECT_EQ(admin.Do("ACL SETUSER ann on >geheim +get ~a* -@all +get"), "OK");
  EXPECT_THAT(admin.Do("ACL SETUSER ann nonsense"), StartsWith("-ERR"));
  EXPECT_EQ(admin.Do("ACL WHOAMI"), "'default'");
  EXPECT_EQ(admin.Do("CONFIG SET maxclients 100"), "OK");
  EXPECT_EQ(admin.Do("FLUSHALL"), "OK");
  admin.Do("SCRIPT LOAD return(1)");
  admin.Do("EVAL return(redis.call('FLUSHDB')) 0");
  admin.Do("HELLO 2");
  Client ann = server.Connect();
  EXPECT_THAT(ann.Do("AUTH ann wrong"), StartsWith("-WRONGPASS"));
  EXPECT_EQ(ann.Do("AUTH ann geheim"), "OK");
  EXPECT_THAT(ann.Do("GET payload-of-others"), StartsWith("-NOPERM"));
  EXPECT_THAT(ann.Do("SET a1 payload"), StartsWith("-NOPERM"));
  EXPECT_EQ(ann.Call({"HELLO", "3", "AUTH", "default", "any"}).items.size(), 14U);
  EXPECT_EQ(ann.Do("MULTI"), "OK");
  EXPECT_EQ(ann.Do("FLUSHDB ASYNC"), "QUEUED");
  EXPECT_EQ(ann.Call({"EXEC"}).items.size(), 1U);
  EXPECT_THAT(
      Records(),
      ElementsAre(
          R"_(,"event":"acl","user":"default","command":"acl|setuser","args":["ann","on","(redacted)","+get","~a*","-@all","+get"],"result":"ok"})_",
          R"_(,"event":"acl","user":"default","command":"acl|setuser","args":["ann","(redacted)"],"result":"ERR Error in ACL SETUSER modifier '(redacted)': Syntax error"})_",
          R"_(,"event":"config","user":"default","command":"config|set","args":["maxclients","100"],"result":"ok"})_",
          R"_(,"event":"admin","user":"default","command":"flushall","args":[],"result":"ok"})_",
          R"_(,"event":"script","user":"default","command":"script|load","args":["return(1)"],"result":"ok"})_",
          R"_(,"event":"admin","user":"default","context":"lua","command":"flushdb","args":[],"result":"ok"})_",
          R"_(,"event":"auth","user":"ann","command":"auth","args":[],"result":"WRONGPASS invalid username-password pair or user is disabled.","reason":"wrong user or password"})_",
          R"_(,"event":"auth","user":"ann","command":"auth","args":[],"result":"ok"})_",
          R"_(,"event":"denied","user":"ann","command":"get","args":["payload-of-others"],"result":"NOPERM missing rule %R~payload-of-others"})_",
          R"_(,"event":"denied","user":"ann","command":"set","args":[],"result":"NOPERM missing rule +set or one of +@write +@string +@slow"})_",
          R"_(,"event":"auth","user":"default","command":"hello","args":[],"result":"ok"})_",
          R"_(,"event":"admin","user":"default","context":"multi","command":"flushdb","args":["ASYNC"],"result":"ok"})_"));
  const std::string first = Lines(ReadFile(file_)).at(0);
  EXPECT_THAT(first, MatchesRegex("\\{\"time\":\"20[0-9-]+T[0-9:]+\\.[0-9]+Z\",\"event\":.*"));
  EXPECT_THAT(first, HasSubstr("\"addr\":\"" + admin.LocalAddress() +
                               "\",\"id\":" + std::to_string(admin.Id())));
  struct stat status{};
  ASSERT_EQ(stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  EXPECT_THAT(admin.Call({"INFO", "stats"}).text, HasSubstr("audit_log_records:12"));
}

TEST_F(Audit, AnyOctetsMakeOneLineOfJson) {
  Server server(Options());
  Client admin = server.Connect();
  const std::string odd("\x00\x1f\"\\\n\x7f\xff\xc3\xbc\xe2\x82", 11);
  admin.Call({"CONFIG", "GET", odd, std::string(1000, 'x')});
  std::vector<std::string> many = {"CONFIG", "GET"};
  for (int i = 0; i < 100; ++i) many.push_back("a" + std::to_string(i));
  admin.Call(many);
  const std::vector<std::string> records = Records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_THAT(records[0], HasSubstr(R"(["\u0000\u001f\"\\\u000a\u007f\\xff)"
                                    "\xc3\xbc"
                                    R"(\\xe2\\x82","x)"));
  EXPECT_THAT(records[0], HasSubstr("x... (744 more bytes)\"]"));
  EXPECT_THAT(records[1], HasSubstr(R"_("a30","... (69 more arguments)"])_"));
  // A reader of JSON agrees.
  const ProgramResult read = RunProgram(
      "/usr/bin/python3",
      {"-c", "import json,sys\nfor l in open(sys.argv[1], encoding='utf-8'): json.loads(l)",
       file_});
  EXPECT_EQ(read.exit_code, 0) << read.output;
}

TEST_F(Audit, EventsAreChosen) {
  Server server(Options({"--audit-log-events", "config denied"}));
  Client admin = server.Connect();
  admin.Do("FLUSHALL");
  admin.Do("ACL LIST");
  admin.Do("CONFIG GET port");
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-events", "none"}).text, "OK");
  admin.Do("CONFIG GET port");
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-events", "admin"}).text, "OK");
  admin.Do("FLUSHALL");
  EXPECT_THAT(Records(),
              ElementsAre(HasSubstr("config|get"),
                          HasSubstr(R"("config|set","args":["audit-log-events","none"])"),
                          HasSubstr("flushall")));
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-file", ""}).text, "OK");
  admin.Do("FLUSHALL");
  EXPECT_EQ(Records().size(), 3U);
}

TEST_F(Audit, WhoEndsOrMovesItIsInIt) {
  Server server(Options());
  Client admin = server.Connect();
  const std::string next = file_ + ".next";
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-file", next}).text, "OK");
  EXPECT_EQ(admin.Do("CONFIG GET port"), "['port', '" + std::to_string(server.port()) + "']");
  const std::string moved = R"("args":["audit-log-file",")" + next + R"("],"result":"ok"})";
  EXPECT_THAT(Records(), ElementsAre(HasSubstr(moved)));
  const std::vector<std::string> lines = Lines(ReadFile(next));
  EXPECT_THAT(lines, ElementsAre(HasSubstr(moved), HasSubstr("config|get")));
  // What could not be put in force goes back as a whole, and is told once.
  EXPECT_THAT(admin.Call({"CONFIG", "SET", "audit-log-file", file_, "tls-port", "1"}).text,
              StartsWith("ERR CONFIG SET failed"));
  EXPECT_EQ(admin.Do("CONFIG GET audit-log-file"), "['audit-log-file', '" + next + "']");
  EXPECT_EQ(Lines(ReadFile(next)).size(), 4U);
  EXPECT_EQ(Records().size(), 1U);
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-file", ""}).text, "OK");
  admin.Do("CONFIG GET port");
  admin.Do("FLUSHALL");
  EXPECT_THAT(Lines(ReadFile(next)).back(), HasSubstr(R"("args":["audit-log-file",""])"));
  EXPECT_EQ(Lines(ReadFile(next)).size(), 5U);
}

TEST_F(Audit, AChangeThatFailsIsToldOnceAndLeavesItAsItWas) {
  Server server(Options());
  Client admin = server.Connect();
  const auto fails = [&](const std::vector<std::string>& pairs) {
    std::vector<std::string> command = {"CONFIG", "SET"};
    command.insert(command.end(), pairs.begin(), pairs.end());
    EXPECT_THAT(admin.Call(command).text, StartsWith("ERR CONFIG SET failed"));
  };
  fails({"audit-log-events", "none", "tls-port", "1"});
  EXPECT_EQ(Records().size(), 1U);
  fails({"audit-log-file", "", "tls-port", "1"});
  EXPECT_EQ(Records().size(), 2U);
  fails({"audit-log-file", dir_ + "/none/audit.log", "loglevel", "debug"});
  EXPECT_EQ(Records().size(), 3U);
  admin.Do("FLUSHALL");
  EXPECT_THAT(Records().back(), HasSubstr("flushall"));
  EXPECT_EQ(Records().size(), 4U);
  EXPECT_EQ(admin.Do("CONFIG GET loglevel"), "['loglevel', 'notice']");
}

TEST_F(Audit, AChangeThatFailsNeedsNoFilesToGoBack) {
  const std::string password = dir_ + "/password";
  const std::string next = dir_ + "/next-password";
  for (const std::string& file : {password, next}) {
    WriteFile(file, file == next ? "second\n" : "first\n");
    ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  }
  Server server(Options({"--requirepass-file", password}));
  Client admin = server.Connect();
  EXPECT_EQ(admin.Do("AUTH first"), "OK");
  std::filesystem::remove(password);
  const std::string other = dir_ + "/other.log";
  EXPECT_THAT(admin
                  .Call({"CONFIG", "SET", "requirepass-file", next, "audit-log-file", other,
                         "loglevel", "debug", "tls-port", "1"})
                  .text,
              StartsWith("ERR CONFIG SET failed"));
  EXPECT_EQ(admin.Do("CONFIG GET requirepass-file"), "['requirepass-file', '" + password + "']");
  EXPECT_EQ(admin.Do("CONFIG GET audit-log-file"), "['audit-log-file', '" + file_ + "']");
  admin.Do("FLUSHALL");
  EXPECT_THAT(Records().back(), HasSubstr("flushall"));
  EXPECT_EQ(ReadFile(other), "");
  EXPECT_EQ(admin.Do("AUTH first"), "OK");
  EXPECT_THAT(server.Log(), Not(HasSubstr("so did going back")));
}

TEST_F(Audit, ItIsInTheDirectoryThatIsSetWithIt) {
  Server server(Options());
  Client admin = server.Connect();
  const std::string sub = dir_ + "/sub";
  std::filesystem::create_directory(sub);
  EXPECT_EQ(admin.Call({"CONFIG", "SET", "audit-log-file", "own.log", "dir", sub}).text, "OK");
  admin.Do("FLUSHALL");
  EXPECT_THAT(ReadFile(sub + "/own.log"), HasSubstr("flushall"));
}

TEST_F(Audit, TheEndLeavesNothingOut) {
  Server server(Options({"--auth-failures-per-minute", "0"}));
  Client admin = server.Connect();
  constexpr int kAttempts = 1000;
  admin.Pipeline(std::vector<std::vector<std::string>>(kAttempts, {"AUTH", "nobody", "x"}));
  admin.SendLine("SHUTDOWN NOSAVE");
  EXPECT_EQ(server.WaitForExit(), 0);
  int64_t left_out = 0;
  int64_t records = 0;
  const std::vector<std::string> all = Records();
  for (const std::string& line : all) {
    const size_t at = line.find("\"left_out\":");
    if (at != std::string::npos) left_out += std::atoll(line.c_str() + at + 11);
    if (line.find("\"event\":\"auth\"") != std::string::npos) ++records;
  }
  EXPECT_EQ(left_out + records, kAttempts);
  EXPECT_THAT(ReadFile(file_),
              HasSubstr(R"("command":"shutdown","args":["NOSAVE"],"result":"ok")"));
}

TEST_F(Audit, ErrorsTellNoSecretsAndDoNotGrow) {
  Server server(Options());
  Client admin = server.Connect();
  // Passwords that stand in the words of the error, each of them more often once it is redacted.
  std::vector<std::string> hello = {"HELLO", "3"};
  for (int i = 0; i < 200; ++i) hello.insert(hello.end(), {"AUTH", "e", "e"});
  EXPECT_THAT(admin.Call(hello).text, StartsWith("WRONGPASS"));
  EXPECT_THAT(admin.Call({"AUTH", "ann", "password"}).text, StartsWith("WRONGPASS"));
  std::vector<std::string> rules = {"ACL", "SETUSER", "ann"};
  for (const char* letter : {"r", "e", "d", "a", "c", "t"}) rules.insert(rules.end(), 100, letter);
  EXPECT_THAT(admin.Call(rules).text, HasSubstr("modifier 'r'"));
  // What cannot be told from a password, or is one in a selector.
  EXPECT_THAT(admin.Do("ACL SETUSER ann ~k* +geheim"), HasSubstr("+geheim"));
  EXPECT_THAT(admin.Do("ACL SETUSER ann (~k* >geheim +get)"), HasSubstr(">geheim"));
  EXPECT_THAT(admin.Do("ACL SETUSER ann (~k* >geheim"), HasSubstr("Unmatched"));
  EXPECT_THAT(admin.Do("ACL SETUSER ann (~k* role:none"), HasSubstr("Unmatched"));
  EXPECT_THAT(admin.Do("ACL SETUSER ann role:none geheim"), HasSubstr("role:none"));
  EXPECT_THAT(admin.Do("HELLO 3 AUTH default x geheim"), HasSubstr("geheim"));
  EXPECT_THAT(admin.Do("CONFIG SET requirepass geheim no'such'one x"), StartsWith("-ERR Unknown"));
  EXPECT_EQ(admin.Do("ACL DRYRUN default AUTH default geheim"), "OK");
  const std::string text = ReadFile(file_);
  EXPECT_THAT(text, Not(HasSubstr("geheim")));
  std::vector<std::string> results;
  for (const std::string& line : Lines(text))
    results.push_back(line.substr(line.find("\"result\"")));
  const std::string wrong =
      R"("result":"WRONGPASS invalid username-password pair or user is disabled.","reason":)";
  EXPECT_THAT(
      results,
      ElementsAre(StartsWith(wrong), StartsWith(wrong),
                  R"_("result":"ERR Error in ACL SETUSER modifier '(redacted)': Syntax error"})_",
                  HasSubstr("modifier '(redacted)': Unknown command"),
                  HasSubstr("modifier '(redacted)': Syntax error"),
                  HasSubstr("starting at '(redacted)'."), HasSubstr("starting at '(redacted)'."),
                  HasSubstr("modifier 'role:none': "), HasSubstr("option '(redacted)'"),
                  HasSubstr("ERR Unknown option or number of arguments for CONFIG SET - "
                            "'(redacted)'"),
                  HasSubstr("ok")));
}

TEST_F(Audit, WhereItGoesIsNotForEverybody) {
  ServerOptions options;
  Server server(options);
  Client admin = server.Connect();
  for (const char* name : {"audit-log-file", "audit-log-events", "audit-log-on-error"}) {
    EXPECT_THAT(admin.Call({"CONFIG", "SET", name, "x"}).text, HasSubstr("protected config"));
  }
}

TEST_F(Audit, ItIsRotated) {
  Server server(Options());
  Client admin = server.Connect();
  admin.Do("FLUSHALL");
  std::filesystem::rename(file_, file_ + ".1");
  admin.Do("FLUSHDB");
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("audit log reopened after SIGHUP"));
  admin.Do("CONFIG GET port");
  EXPECT_EQ(Lines(ReadFile(file_ + ".1")).size(), 2U);
  EXPECT_THAT(Records(), ElementsAre(HasSubstr("config|get")));
  // A file that cannot be opened leaves the old one in use.
  std::filesystem::rename(file_, file_ + ".2");
  std::filesystem::create_directory(file_);
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("audit log could not be reopened after SIGHUP"));
  admin.Do("FLUSHALL");
  EXPECT_EQ(Lines(ReadFile(file_ + ".2")).size(), 2U);
}

TEST_F(Audit, AFullDiskIsTold) {
  std::filesystem::create_symlink("/dev/full", file_);
  Server server(Options());
  Client admin = server.Connect();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(admin.Do("FLUSHALL"), "OK");
  const std::string info = admin.Call({"INFO", "stats"}).text;
  EXPECT_EQ(InfoField(info, "audit_log_lost"), "5");
  EXPECT_EQ(InfoField(info, "audit_log_records"), "0");
  EXPECT_TRUE(server.WaitForLog("audit log cannot be written: No space left on device"));
  // Room again: the next record comes behind one that tells of the gap.
  std::filesystem::remove(file_);
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("audit log reopened"));
  EXPECT_EQ(admin.Do("FLUSHALL"), "OK");
  EXPECT_THAT(Records(),
              ElementsAre(R"_(,"event":"gap","left_out":0,"lost":5})_", HasSubstr("\"flushall\"")));
}

TEST_F(Audit, AFullDiskStopsAdministrationIfThatIsAskedFor) {
  std::filesystem::create_symlink("/dev/full", file_);
  Server server(Options({"--audit-log-on-error", "refuse"}));
  Client admin = server.Connect();
  Client other = server.Connect();
  // The first one has run before anybody could know.
  EXPECT_EQ(admin.Do("FLUSHALL"), "OK");
  for (Client* client : {&admin, &other}) {
    for (const char* line : {"FLUSHALL", "CONFIG GET port", "AUTH default x", "ACL LIST",
                             "SCRIPT LOAD x", "HELLO 3 AUTH default x"}) {
      EXPECT_THAT(client->Do(line), StartsWith("-ERR the audit log cannot be written")) << line;
    }
    // Whatever is no matter of the audit log goes on.
    EXPECT_EQ(client->Do("SET a b"), "OK");
    EXPECT_EQ(client->Do("HELLO 2").substr(0, 4), "['se");
    EXPECT_EQ(client->Do("ACL WHOAMI"), "'default'");
  }
  EXPECT_EQ(admin.Do("MULTI"), "OK");
  EXPECT_THAT(admin.Do("FLUSHALL"), StartsWith("-ERR the audit log"));
  EXPECT_THAT(admin.Do("EXEC"), StartsWith("-EXECABORT"));
  EXPECT_THAT(admin.Do("EVAL return(redis.call('FLUSHALL')) 0"), HasSubstr("the audit log cannot"));
  EXPECT_EQ(admin.Do("GET a"), "'b'");
  std::filesystem::remove(file_);
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("audit log reopened"));
  EXPECT_EQ(other.Do("FLUSHALL"), "OK");
  EXPECT_THAT(Records(),
              ElementsAre(R"_(,"event":"gap","left_out":0,"lost":1})_", HasSubstr("\"flushall\"")));
}

TEST_F(Audit, FloodsAreBounded) {
  Server server(Options({"--auth-failures-per-minute", "0"}));
  Client client = server.Connect();
  constexpr int kAttempts = 3000;
  std::vector<std::vector<std::string>> attempts(kAttempts, {"AUTH", "nobody", "x"});
  client.Pipeline(attempts);
  Client admin = server.Connect();
  // Whatever the seconds were: each attempt is a record or in the number of a gap.
  int64_t left_out = 0;
  int64_t records = 0;
  const auto count = [&] {
    left_out = records = 0;
    for (const std::string& line : Lines(ReadFile(file_))) {
      const size_t at = line.find("\"left_out\":");
      if (at != std::string::npos) left_out += std::atoll(line.c_str() + at + 11);
      if (line.find("\"event\":\"auth\"") != std::string::npos) ++records;
    }
    return left_out + records == kAttempts;
  };
  const Deadline deadline(kPatience);
  while (!count() && !deadline.HasPassed()) std::this_thread::sleep_for(Milliseconds(20));
  EXPECT_EQ(left_out + records, kAttempts);
  EXPECT_GT(left_out, 0);
  EXPECT_EQ(InfoField(admin.Call({"INFO", "stats"}).text, "audit_log_left_out"),
            std::to_string(left_out));
  // What the administrator does is never left out.
  client.Pipeline(attempts);
  EXPECT_EQ(admin.Do("FLUSHALL"), "OK");
  EXPECT_THAT(ReadFile(file_), HasSubstr("\"flushall\""));
}

TEST_F(Audit, AFileThatCannotBeOpenedRefusesTheStart) {
  const ProgramResult result = RunProgram(
      ServerUnderTest(),
      {"--port", std::to_string(FreePort()), "--audit-log-file", dir_ + "/none/audit.log"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.output, HasSubstr("audit-log-file: cannot open '" + dir_ +
                                       "/none/audit.log': No such file or directory (argument)"));
  // A file says where, too.
  for (const std::string& line :
       {"audit-log-file " + dir_ + "/none/a", "requirepass-file " + dir_,
        "requirepass x\nrequirepass-file " + dir_, "auth-token-file " + dir_ + "/none"}) {
    const std::string config = dir_ + "/peal.conf";
    WriteFile(config, "port " + std::to_string(FreePort()) + "\n" + line + "\n");
    const ProgramResult of_file = RunProgram(ServerUnderTest(), {config});
    EXPECT_EQ(of_file.exit_code, 1);
    EXPECT_THAT(of_file.output, HasSubstr(" (" + config + ":2)"));
  }
}

// ---------------------------------------------------------------- secrets

TEST_F(Audit, SecretsAreNowhere) {
  // Planted in every way there is; each begins alike, and only CONFIG GET may show one.
  const std::string mark = "planted-secret-";
  const std::string password_file = dir_ + "/password";
  WriteFile(password_file, mark + "of-the-file\n");
  ASSERT_EQ(chmod(password_file.c_str(), 0600), 0);
  Server server(Options({"--requirepass-file", password_file, "--slowlog-log-slower-than", "0",
                         "--commandlog-request-larger-than", "0", "--commandlog-reply-larger-than",
                         "0", "--loglevel", "debug"}));
  Client admin = server.Connect();
  EXPECT_EQ(admin.Do("AUTH " + mark + "of-the-file"), "OK");
  Client monitor = server.Connect();
  EXPECT_EQ(monitor.Do("AUTH default " + mark + "of-the-file"), "OK");
  EXPECT_EQ(monitor.Do("MONITOR"), "OK");
  EXPECT_EQ(admin.Do("ACL SETUSER bob on >" + mark + "bob +ping"), "OK");
  EXPECT_THAT(admin.Do("ACL SETUSER bob " + mark + "mistyped"), StartsWith("-ERR"));
  EXPECT_THAT(admin.Do("ACL SETROLE role >" + mark + "role"), StartsWith("-ERR"));
  Client bob = server.Connect();
  EXPECT_THAT(bob.Do("AUTH bob " + mark + "wrong"), StartsWith("-WRONGPASS"));
  EXPECT_THAT(bob.Do("AUTH " + mark + "wrong"), StartsWith("-WRONGPASS"));
  EXPECT_EQ(bob.Do("HELLO 3 AUTH bob " + mark + "bob").substr(0, 1), "{");
  for (const char* options :
       {"SETNAME auth AUTH bob ", "AUTH bob x AUTH bob ", "SETNAME AUTH bob ", "AUTH ", "OTHER "}) {
    admin.Do(std::string("HELLO 2 ").append(options).append(mark).append("hello"));
  }
  EXPECT_THAT(bob.Do("CONFIG SET requirepass " + mark + "denied"), StartsWith("-NOPERM"));
  EXPECT_THAT(admin.Do("CONFIG SET requirepass " + mark + "both"),
              HasSubstr("cannot be used at the same time"));
  EXPECT_EQ(admin.Do("CONFIG SET masterauth " + mark + "master"), "OK");
  EXPECT_THAT(admin.Do("CONFIG SET requirepass two " + mark + "words"), StartsWith("-ERR"));
  // The error names what was asked for, as in Redis: in the reply alone.
  EXPECT_THAT(admin.Do("CONFIG SET requirepass of three " + mark + "words"), StartsWith("-ERR"));
  EXPECT_THAT(admin.Do("CONFIG SET requirpass " + mark + "mistyped"), StartsWith("-ERR"));
  EXPECT_THAT(admin.Do("CONFIG SET maxmemory requirepass " + mark + "shifted"), StartsWith("-ERR"));
  EXPECT_EQ(admin.Do("MULTI"), "OK");
  EXPECT_EQ(admin.Do("AUTH default " + mark + "of-the-file"), "QUEUED");
  EXPECT_EQ(admin.Call({"EXEC"}).items.size(), 1U);
  EXPECT_EQ(bob.Do("PING"), "PONG");
  // The errors of ACL SETUSER name the rule to who gave it, as Redis does: those replies alone.
  std::string everything = ReadFile(file_) + server.Log();
  for (const char* line :
       {"INFO everything", "SLOWLOG GET -1", "COMMANDLOG GET -1 large-request",
        "COMMANDLOG GET -1 large-reply", "ACL LOG", "ACL LIST", "CLIENT LIST",
        "CONFIG GET requirepass", "CONFIG GET requirepass-file", "LATENCY DOCTOR"}) {
    everything += admin.Do(line);
  }
  std::string seen;
  while (seen.find("\"PING\"") == std::string::npos) seen += monitor.ReadRaw();
  everything += seen;
  everything += ReadFile("/proc/" + std::to_string(server.pid()) + "/cmdline");
  EXPECT_NE(everything.find("(redacted)"), std::string::npos);
  for (size_t at = everything.find(mark); at != std::string::npos;
       at = everything.find(mark, at + 1)) {
    ADD_FAILURE() << everything.substr(at > 100 ? at - 100 : 0, 250);
  }
  EXPECT_EQ(admin.Call({"CONFIG", "GET", "masterauth"}).items.at(1).text, mark + "master");
}

TEST_F(Audit, ThePasswordIsTakenFromAFileAndTakenAgain) {
  const std::string file = dir_ + "/password";
  WriteFile(file, "first\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  Server server({.args = {"--requirepass-file", file}});
  Client client = server.Connect();
  EXPECT_THAT(client.Do("GET a"), StartsWith("-NOAUTH"));
  EXPECT_EQ(client.Do("AUTH first"), "OK");
  EXPECT_EQ(client.Do("CONFIG GET requirepass"), "['requirepass', '']");
  WriteFile(file, "second\n");
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("requirepass-file read afresh after SIGHUP"));
  EXPECT_THAT(client.Do("AUTH first"), StartsWith("-WRONGPASS"));
  EXPECT_EQ(client.Do("AUTH second"), "OK");
  ASSERT_EQ(chmod(file.c_str(), 0604), 0);
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("everybody may read it"));
  EXPECT_EQ(client.Do("AUTH second"), "OK");
  EXPECT_THAT(client.Do("CONFIG SET requirepass-file " + dir_ + "/none"),
              HasSubstr("No such file or directory"));
  EXPECT_EQ(client.Do("AUTH second"), "OK");
  EXPECT_EQ(client.Call({"CONFIG", "SET", "requirepass-file", "", "requirepass", "third"}).text,
            "OK");
  EXPECT_EQ(client.Do("AUTH third"), "OK");
}

TEST_F(Audit, ThePasswordIsTakenOverOnceASlowScriptHasEnded) {
  const std::string file = dir_ + "/password";
  WriteFile(file, "first\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  Server server(
      {.reactors = 2, .args = {"--requirepass-file", file, "--busy-reply-threshold", "20"}});
  Client runner = server.Connect();
  Client other = server.Connect();
  for (Client* client : {&runner, &other}) ASSERT_EQ(client->Do("AUTH first"), "OK");
  runner.SendCommand({"EVAL", "while true do end", "0"});
  while (!other.Do("PING").starts_with("-BUSY")) {
  }
  WriteFile(file, "second\n");
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("log reopened after SIGHUP"));
  EXPECT_EQ(other.Do("SCRIPT KILL"), "OK");
  EXPECT_THAT(runner.Read().text, HasSubstr("killed"));
  ASSERT_TRUE(server.WaitForLog("requirepass-file read afresh after SIGHUP"));
  EXPECT_EQ(other.Do("AUTH second"), "OK");
}

TEST_F(Audit, ThePasswordIsTakenOverBetweenTransactionsThatHoldEverything) {
  const std::string file = dir_ + "/password";
  WriteFile(file, "first\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  Server server({.args = {"--requirepass-file", file}});
  Client client = server.Connect();
  ASSERT_EQ(client.Do("AUTH first"), "OK");
  // SUBSCRIBE in EXEC runs what was posted to the reactor, with the Gate held.
  std::string batch;
  for (const char* line : {"MULTI", "FLUSHALL", "SUBSCRIBE a", "UNSUBSCRIBE a", "EXEC"}) {
    batch += EncodeCommand(Words(line));
  }
  for (int round = 0; round < 300; ++round) {
    server.Signal(SIGHUP);
    client.Send(batch + batch + batch);
    ASSERT_NO_THROW(client.ReadMany(3 * 5));
  }
  ASSERT_TRUE(server.WaitForLog("requirepass-file read afresh after SIGHUP"));
}

TEST_F(Audit, TheEnvironmentIsClearedOfSecrets) {
  const std::string port = std::to_string(FreePort());
  const std::string dir = MakeTemporaryDirectory();
  // The shell becomes the server, so that its process is ours.
  const ProgramResult result = RunProgram(
      "/bin/sh",
      {"-c",
       "PEAL_REQUIREPASS=planted-secret PEAL_TLS_KEY_FILE_PASS=planted-too \"$0\" --port " + port +
           " --set-proc-title no & pid=$!; i=0; while ! redis-cli -p " + port +
           " -a planted-secret --no-auth-warning PING 2>/dev/null | grep -q PONG; do "
           "sleep 0.05; i=$((i+1)); [ $i -gt 1000 ] && break; done; "
           "echo environ:; tr '\\0' '\\n' < /proc/$pid/environ | grep -a PEAL_; "
           "redis-cli -p " +
           port +
           " PING; "
           "redis-cli -p " +
           port + " -a planted-secret --no-auth-warning PING; kill $pid; wait $pid",
       ServerUnderTest()});
  EXPECT_THAT(result.output, HasSubstr("PEAL_REQUIREPASS=**************\n"));
  EXPECT_THAT(result.output, HasSubstr("PEAL_TLS_KEY_FILE_PASS=***********\n"));
  EXPECT_THAT(result.output, Not(HasSubstr("planted")));
  EXPECT_THAT(result.output, HasSubstr("NOAUTH"));
  EXPECT_THAT(result.output, HasSubstr("PONG"));
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace peal::tests
