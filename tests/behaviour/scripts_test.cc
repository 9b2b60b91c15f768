// Scripts: what they return and raise, what they may do, and how what they did reaches others.
// Replies are compared with a redis-server that gets the same commands, or were observed on 7.0.15.

#include <span>

#include "tests/behaviour/scripts_corpus/api.h"
#include "tests/behaviour/scripts_corpus/binary.h"
#include "tests/behaviour/scripts_corpus/encodings.h"
#include "tests/behaviour/scripts_corpus/patterns.h"
#include "tests/support/behaviour.h"
#include "tests/support/script/groups.h"
#include "tests/support/side_by_side.h"

namespace peal::tests {
namespace {

class Scripts : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    Client admin = ConnectResp2();
    admin.Do("SCRIPT FLUSH");
    admin.Do("FUNCTION FLUSH");
  }
  static Reply Eval(Client& client, const std::string& script,
                    const std::vector<std::string>& keys_and_args = {}, size_t keys = 0) {
    std::vector<std::string> command = {"EVAL", script, std::to_string(keys)};
    command.insert(command.end(), keys_and_args.begin(), keys_and_args.end());
    return client.Call(command);
  }
};
INSTANTIATE_TEST_SUITE_P(, Scripts, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Scripts, RepliesAreThoseOfRedis) {
  Client theirs = Client::Tcp(Reference().port());
  Client ours = Connect();
  for (const char* const line : {"FLUSHALL", "SCRIPT FLUSH", "FUNCTION FLUSH"}) {
    theirs.Do(line);
    ours.Do(line);
  }
  theirs.Hello(resp());
  size_t compared = 0;
  using Corpus = std::span<const CorpusCommand>;
  for (const Corpus corpus : {Corpus(kApiCorpus), Corpus(kEncodingCorpus), Corpus(kBinaryCorpus),
                              Corpus(kPatternCorpus)}) {
    for (const CorpusCommand& each : corpus) {
      const CommandLine command(each.begin(), each.end());
      theirs.SendCommand(command);
      ours.SendCommand(command);
      EXPECT_EQ(Escaped(ours.ReadRaw()), Escaped(theirs.ReadRaw()))
          << Escaped(EncodeCommand(command));
      ++compared;
    }
  }
  EXPECT_GT(compared, 900u);
  theirs.Do("FUNCTION FLUSH");
}

/// A command of some group, run by a script.
CommandLine ScriptedCommand(Vocabulary& words) {
  static const char* const kForms[] = {
      "return redis.call(unpack(ARGV))",
      "return redis.pcall(unpack(ARGV))",
      "redis.setresp(3) return redis.call(unpack(ARGV))",
      "local r = redis.pcall(unpack(ARGV)) if type(r) == 'table' then return #r end return type(r)",
      "local ok, e = pcall(redis.call, unpack(ARGV)) return {ok and 1 or 0, type(e)}",
  };
  CommandLine line = {"EVAL", words.Pick(kForms), "0"};
  const CommandLine inner = StringCommand(words);
  line.insert(line.end(), inner.begin(), inner.end());
  return line;
}

TEST_P(Scripts, RandomCommandsGetTheSameRepliesThroughAScript) {
  constexpr int kCommands = 3000;
  SideBySide sides(Reference(), server(), resp(), Seed());
  sides.Run(ScriptedCommand, ScriptLength(kCommands));
}

TEST_P(Scripts, OneScriptLeavesNothingToTheNext) {
  Client client = Connect();
  for (const char* const script :
       {"cjson.encode_sparse_array(true) cjson.encode_max_depth(1) cjson.decode_max_depth(1)",
        "cjson.encode_number_precision(1)", "math.randomseed(1)", "collectgarbage('stop')",
        "redis.setresp(3)", "redis.set_repl(redis.REPL_NONE)", "KEYS[1] = 'left' ARGV[1] = 'left'",
        "redis.call('SELECT', 3)"}) {
    EXPECT_FALSE(Eval(client, script).IsError()) << script;
  }
  EXPECT_EQ(Eval(client, "return cjson.encode({{{0.12345}}})").Show(), "'[[[0.12345]]]'");
  EXPECT_TRUE(Eval(client, "return cjson.encode({[1]=1,[20]=2})").IsError());
  EXPECT_EQ(Eval(client, "return #KEYS + #ARGV").Show(), ":0");
  EXPECT_NE(Eval(client, "return math.random(1000000000)").Show(),
            Eval(client, "return math.random(1000000000)").Show());
  EXPECT_EQ(client.Do("SET here 1"), "OK");
  EXPECT_EQ(Eval(client, "return redis.call('GET', 'here')").Show(), "'1'");
}

TEST_P(Scripts, SharedTablesCannotBeChanged) {
  Client client = Connect();
  const std::string refusal = "Attempt to modify a readonly table";
  for (const char* const script : {"x = 1",
                                   "_G.x = 1",
                                   "rawset(_G, 'x', 1)",
                                   "redis.call = nil",
                                   "string.rep = 1",
                                   "getmetatable('').__index = {}",
                                   "getmetatable('').__index.rep = 1",
                                   "KEYS = {}",
                                   "setmetatable(_G, {})",
                                   "setmetatable(string, {})",
                                   "table.insert(redis, 1)",
                                   "table.remove(redis)",
                                   "table.sort(math)",
                                   "rawset(cjson, 'x', 1)",
                                   "bit.band = nil",
                                   "getmetatable(_G).__index = nil",
                                   "server.call = 1",
                                   "os.clock = 1",
                                   "loadstring('y = 1')()",
                                   "for k, v in pairs(_G) do _G[k] = nil end",
                                   "coroutine.wrap(function() z = 1 end)()",
                                   "local s = 'x' s.y = 1"}) {
    const std::string reply = Eval(client, script).Show();
    const bool is_index = reply.find("attempt to index") != std::string::npos;
    EXPECT_TRUE(reply.find(refusal) != std::string::npos || is_index) << script << ": " << reply;
  }
  EXPECT_EQ(Eval(client, "return {type(redis.call), ('a'):rep(2), type(string.rep)}").Show(),
            "['function', 'aa', 'function']");
}

TEST_P(Scripts, NothingLeadsOutOfTheSandbox) {
  Client client = Connect();
  for (const char* const name :
       {"io", "debug", "package", "require", "dofile", "loadfile", "module", "newproxy", "getfenv",
        "setfenv", "print", "os.execute", "os.exit", "os.getenv", "os.remove"}) {
    const std::string head = std::string(name).substr(0, 3) == "os." ? "os" : name;
    const std::string script =
        head == "os" ? "return type(" + std::string(name) + ")" : "return " + std::string(name);
    const std::string reply = Eval(client, script).Show();
    EXPECT_TRUE(reply == "'nil'" || reply.find("nonexistent global") != std::string::npos)
        << name << ": " << reply;
  }
  EXPECT_EQ(
      Eval(client, "return tostring(loadstring(string.dump(function() return 1 end)))").Show(),
      "'nil'");
  EXPECT_TRUE(client.Call({"EVAL", std::string("\033Lua\121\0\1\4\10\4\10\0", 12), "0"}).IsError());
}

TEST_P(Scripts, TheCacheForgetsScriptsOfEvalThatAreUnusedLongest) {
  Client client = Connect();
  const int64_t before = InfoNumber("evicted_scripts");
  // Known by EVAL first: loading it is what makes it stay.
  ASSERT_EQ(Eval(client, "return 'pinned'").Show(), "'pinned'");
  const std::string pinned = client.Call({"SCRIPT", "LOAD", "return 'pinned'"}).text;
  const std::string first = "return 'first'";
  ASSERT_EQ(Eval(client, first).Show(), "'first'");
  for (int i = 0; i < 499; ++i) Eval(client, "return " + std::to_string(i));
  EXPECT_EQ(Info("number_of_cached_scripts"), "501");
  Eval(client, first);  // so that "return 0" is the one unused longest
  Eval(client, "return 'one too many'");
  EXPECT_EQ(Info("number_of_cached_scripts"), "501");
  EXPECT_EQ(InfoNumber("evicted_scripts"), before + 1);
  const auto exists = [&](const std::string& script) {
    const std::string sha = Eval(client, "return redis.sha1hex(ARGV[1])", {script}).text;
    return client.Call({"SCRIPT", "EXISTS", sha}).Show();
  };
  EXPECT_EQ(exists(first), "[:1]");
  EXPECT_EQ(exists("return 0"), "[:0]");
  EXPECT_EQ(client.Call({"EVALSHA", pinned, "0"}).Show(), "'pinned'");
  EXPECT_EQ(client.Call({"SCRIPT", "SHOW", pinned}).Show(), "'return 'pinned''");
}

TEST_P(Scripts, AFlushedScriptIsUnknownToEveryReactor) {
  std::vector<Client> clients;
  clients.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) clients.push_back(Connect());
  const std::string sha = clients[0].Call({"SCRIPT", "LOAD", "return 7"}).text;
  for (Client& client : clients) EXPECT_EQ(client.Call({"EVALSHA", sha, "0"}).Show(), ":7");
  ASSERT_EQ(clients[1].Do("SCRIPT FLUSH"), "OK");
  for (Client& client : clients) {
    EXPECT_EQ(client.Call({"EVALSHA", sha, "0"}).Show(),
              "-NOSCRIPT No matching script. Please use EVAL.");
  }
}

TEST_P(Scripts, WhatAScriptWroteIsOneUnitOfEffects) {
  if (IsReference()) GTEST_SKIP() << "redis-server does not hand them out";
  Client client = Connect();
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS START"), "OK");
  Eval(client,
       "redis.call('SET', 'a', 1) redis.call('GET', 'a') redis.set_repl(redis.REPL_NONE) "
       "redis.call('SET', 'b', 2) redis.set_repl(redis.REPL_ALL) redis.call('INCR', 'a') "
       "redis.call('SPOP', 'nothing')");
  Eval(client, "return redis.call('GET', 'a')");
  EXPECT_EQ(admin.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"}).Show(),
            "[[:0, 'SET', 'a', '1'], [:0, 'SET', 'a', '2', 'KEEPTTL']]");
  admin.Do("DEBUG PEAL-EFFECTS STOP");
}

TEST_P(Scripts, MessagesLeaveInOrderWhenTheScriptIsDone) {
  Client subscriber = Connect();
  Subscribe(subscriber, {"SUBSCRIBE", "one", "two"});
  Client client = Connect();
  EXPECT_EQ(Eval(client,
                 "local n = redis.call('PUBLISH', 'one', 'a') + redis.call('PUBLISH', 'two', 'b') "
                 "+ redis.call('PUBLISH', 'one', 'c') return n")
                .Show(),
            ":3");
  for (const char* const frame : {"message one a", "message two b", "message one c"}) {
    EXPECT_EQ(Frame(subscriber.Read()), frame);
  }
}

TEST_P(Scripts, AScriptChangesWhatOthersWatch) {
  Client watcher = Connect();
  Client client = Connect();
  ASSERT_EQ(watcher.Do("WATCH k"), "OK");
  Eval(client, "redis.call('SET', 'k', 1)");
  watcher.Do("MULTI");
  watcher.Do("PING");
  EXPECT_EQ(watcher.Raw("EXEC"), resp() == 3 ? "_\r\n" : "*-1\r\n");
}

TEST_P(Scripts, AScriptServesThoseWhoWait) {
  Client waiter = Connect();
  Client client = Connect();
  waiter.SendLine("BLPOP list 0");
  ASSERT_TRUE(Eventually([&] { return Info("blocked_clients") == "1"; }));
  Eval(client, "redis.call('RPUSH', 'list', 'a', 'b') redis.call('LPOP', 'list')");
  EXPECT_EQ(waiter.Read().Show(), "['list', 'b']");
}

TEST_P(Scripts, ATransactionRunsScriptsBetweenItsCommands) {
  Client client = Connect();
  client.Do("MULTI");
  client.Do("SET a 1");
  client.Call({"EVAL", "return redis.call('INCR', 'a')", "0"});
  client.Do("SELECT 2");
  client.Call({"EVAL", "redis.call('SELECT', 5) return redis.call('GET', 'a')", "0"});
  client.Do("SET a 9");
  EXPECT_EQ(client.Call({"EXEC"}).Show(), "[OK, :2, OK, nil, OK]");
  EXPECT_EQ(client.Do("GET a"), "'9'");
}

TEST_P(Scripts, BeyondMaxmemoryOnlyScriptsThatSaySoMayWrite) {
  Client client = Connect();
  Client admin = ConnectResp2();
  client.Do("SET x 1");
  ASSERT_EQ(admin.Do("CONFIG SET maxmemory 1"), "OK");
  EXPECT_EQ(Eval(client, "return redis.call('GET', 'x')").Show(), "'1'");
  EXPECT_THAT(Eval(client, "return redis.call('SET', 'x', 2)").Show(),
              ::testing::StartsWith("-OOM command not allowed when used memory > 'maxmemory'."));
  EXPECT_THAT(Eval(client, "#!lua\nreturn 1").Show(), ::testing::StartsWith("-OOM allow-oom flag"));
  EXPECT_EQ(Eval(client, "#!lua flags=allow-oom\nreturn redis.call('SET', 'x', 3)").Show(), "OK");
  EXPECT_EQ(Eval(client, "#!lua flags=no-writes\nreturn redis.call('GET', 'x')").Show(), "'3'");
  admin.Do("CONFIG SET maxmemory 0");
}

/// Runs a script as often as it takes to be trusted with the stripes of its keys alone.
void Train(Client& client, const std::vector<std::string>& command) {
  for (int i = 0; i < 2; ++i) ASSERT_FALSE(client.Call(command).IsError());
}

TEST_P(Scripts, WhatKeepsToItsKeysIsSharedFromTheThirdRunOn) {
  if (IsReference()) GTEST_SKIP() << "counts that redis-server does not have";
  Client client = Connect();
  const std::string script = "return redis.call('INCR', KEYS[1])";
  const auto count = [&](const std::vector<std::string>& command) {
    const int64_t shared = InfoNumber("scripts_shared");
    EXPECT_FALSE(client.Call(command).IsError()) << command[1];
    return InfoNumber("scripts_shared") - shared;
  };
  const std::string sha = client.Call({"SCRIPT", "LOAD", script}).text;
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"EVALSHA", sha, "1", "a"},
           {"EVAL", script + " ", "1", "a"},
           {"EVAL", "return #redis.call('MGET', unpack(KEYS))", "3", "a", "b", "c"},
           {"EVAL_RO", "return redis.call('GET', KEYS[1])", "1", "a"},
           {"EVAL", "return redis.call('TIME')", "1", "a"}}) {
    EXPECT_EQ(count(command), 0) << command[1];
    EXPECT_EQ(count(command), 0) << command[1];
    EXPECT_EQ(count(command), 1) << command[1];
    EXPECT_EQ(count(command), 1) << command[1];
  }
  // These never are: no keys, others than it says, all keys, more than can be foreseen.
  for (const auto& command : std::vector<std::vector<std::string>>{
           {"EVAL", "return 1", "0"},
           {"EVAL", "return redis.call('GET', 'b')", "1", "a"},
           {"EVAL", "return redis.call('GET', KEYS[1]) or redis.call('DBSIZE')", "1", "z"},
           {"EVAL", "return redis.call('KEYS', KEYS[1])", "1", "a"},
           {"EVAL", "return redis.pcall('SORT', KEYS[1], 'BY', '*')", "1", "z"}}) {
    for (int i = 0; i < 4; ++i) EXPECT_EQ(count(command), 0) << command[1];
  }
  // A transaction holds everything while a script is among its commands.
  client.Do("MULTI");
  client.Call({"EVALSHA", sha, "1", "a"});
  EXPECT_EQ(count({"EXEC"}), 0);
  // Monitors see commands in the order of their execution.
  Client monitor = ConnectResp2();
  monitor.Do("MONITOR");
  EXPECT_EQ(count({"EVALSHA", sha, "1", "a"}), 0);
}

TEST_P(Scripts, NothingIsLearnedFromACallWithManyKeys) {
  if (IsReference()) GTEST_SKIP() << "counts that redis-server does not have";
  Client client = Connect();
  const auto call = [&](const std::string& script, int keys, const std::string& argument) {
    std::vector<std::string> command = {"EVAL", script, std::to_string(keys)};
    for (int i = 0; i < keys; ++i) command.push_back("key" + std::to_string(i));
    command.push_back(argument);
    const int64_t shared = InfoNumber("scripts_shared");
    EXPECT_FALSE(client.Call(command).IsError());
    return InfoNumber("scripts_shared") - shared;
  };
  constexpr int kMany = 65;
  const std::string keeps = "return redis.call('GET', KEYS[1])";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call(keeps, kMany, ""), 0);
  for (const int expected : {0, 0, 1}) EXPECT_EQ(call(keeps, 1, ""), expected);
  const std::string strays = "return redis.call('GET', ARGV[1])";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(call(strays, kMany, "elsewhere"), 0);
  for (const int expected : {0, 0, 1}) EXPECT_EQ(call(strays, 1, "key0"), expected);
}

TEST_P(Scripts, TheArgumentsOfOneCallDoNotTakeTheMemoryOfThoseThatCome) {
  if (IsReference()) GTEST_SKIP() << "redis-server does not bound the memory of scripts";
  Client client = Connect();
  Client admin = ConnectResp2();
  std::vector<std::string> command = {"EVAL", "return #KEYS + #ARGV", "60000"};
  for (int i = 0; i < 120'000; ++i) command.push_back(std::string(60, 'x') + std::to_string(i));
  for (const std::string limit : {"8mb", "32mb", "8mb", "4mb"}) {
    ASSERT_EQ(admin.Do("CONFIG SET lua-memory-limit " + limit), "OK");
    EXPECT_EQ(Eval(client, "return #KEYS -- " + limit, {"a"}, 1).Show(), ":1") << limit;
    EXPECT_EQ(client.Call(command).Show(), limit == "32mb" ? ":120000" : "-ERR not enough memory");
  }
}

TEST_P(Scripts, TheArgumentsOfOneCommandAreBoundedAsThoseOfARequest) {
  if (IsReference()) GTEST_SKIP() << "redis-server does not bound them";
  Client client = Connect();
  ASSERT_EQ(ConnectResp2().Do("CONFIG SET client-query-buffer-limit 1mb"), "OK");
  const std::string script =
      "local values = {} for i = 1, tonumber(ARGV[1]) do values[i] = string.rep('x', 1000) end "
      "return redis.call('RPUSH', KEYS[1], unpack(values))";
  EXPECT_THAT(client.Call({"EVAL", script, "1", "k", "2000"}).Show(),
              ::testing::StartsWith("-ERR The arguments of one call are larger together than "
                                    "client-query-buffer-limit"));
  EXPECT_EQ(client.Do("EXISTS k"), ":0");
  EXPECT_EQ(client.Call({"EVAL", script, "1", "k", "1000"}).Show(), ":1000");
}

TEST_P(Scripts, WhatLeavesItsKeysLateIsDoneAllTheSame) {
  if (IsReference()) GTEST_SKIP() << "counts that redis-server does not have";
  Client client = Connect();
  // Four others: one may lie under the same stripe as the key of the script by chance.
  client.Do("MSET other:1 5 other:2 5 other:3 5 other:4 5");
  const std::string others = "for i = 1, 4 do n = n + redis.call(";
  const std::vector<std::string> bodies = {
      // Before it writes and after it.
      "local n = 0 if ARGV[1] == '1' then " + others +
          "'GET', 'other:' .. i) end return n end return redis.call('GET', KEYS[1])",
      "local n = 0 redis.call('SET', KEYS[1], 'x') if ARGV[1] == '1' then " + others +
          "'INCR', 'other:' .. i) end end return n",
      "redis.call('SET', KEYS[1], 'y') if ARGV[1] == '1' then redis.call('PUBLISH', 'c', 'm') "
      "return redis.call('DBSIZE') end return 0",
      "redis.call('SET', KEYS[1], 'z') if ARGV[1] == '1' then return #redis.call('KEYS', '*') end "
      "return 0"};
  const std::vector<std::string> expected = {":20", ":24", ":5", ":5"};
  for (size_t i = 0; i < bodies.size(); ++i) {
    Train(client, {"EVAL", bodies[i], "1", "key", "0"});
    const int64_t shared = InfoNumber("scripts_shared");
    EXPECT_FALSE(Eval(client, bodies[i], {"key", "0"}, 1).IsError());
    EXPECT_EQ(InfoNumber("scripts_shared"), shared + 1) << bodies[i];
    EXPECT_EQ(Eval(client, bodies[i], {"key", "1"}, 1).Show(), expected[i]) << bodies[i];
    // Found out: it is not trusted any more.
    const int64_t exclusive = InfoNumber("scripts_exclusive");
    EXPECT_FALSE(Eval(client, bodies[i], {"key", "0"}, 1).IsError());
    const bool has_one_stripe = GetParam().stripes == 1 && i < 2;
    EXPECT_EQ(InfoNumber("scripts_exclusive"), exclusive + (has_one_stripe ? 0 : 1)) << bodies[i];
  }
  EXPECT_EQ(InfoNumber("scripts_in_conflict"), 0);
}

TEST_P(Scripts, ASharedScriptDoesAllThatOthersDo) {
  if (IsReference()) GTEST_SKIP() << "redis-server does not hand effects out";
  Client client = Connect();
  Client admin = ConnectResp2();
  const std::vector<std::string> command = {
      "EVAL",
      "redis.call('SET', KEYS[1], ARGV[1]) redis.set_repl(redis.REPL_NONE) redis.call('SET', "
      "KEYS[2], 2) redis.set_repl(redis.REPL_ALL) redis.call('INCR', KEYS[1]) "
      "redis.call('RPUSH', KEYS[3], 'x') redis.call('PUBLISH', 'news', 'n') return 'done'",
      "3",
      "a",
      "b",
      "list",
      "1"};
  Train(client, command);
  admin.Do("DEL list");
  const int64_t shared = InfoNumber("scripts_shared");
  Client watcher = Connect();
  watcher.Do("WATCH a");
  Client waiter = Connect();
  waiter.SendLine("BLPOP list 0");
  ASSERT_TRUE(Eventually([&] { return InfoNumber("blocked_clients") == 1; }));
  Client listener = Connect();
  Subscribe(listener, {"SUBSCRIBE", "news"});
  ASSERT_EQ(admin.Do("DEBUG PEAL-EFFECTS START"), "OK");
  EXPECT_EQ(client.Call(command).Show(), "'done'");
  EXPECT_EQ(admin.Call({"DEBUG", "PEAL-EFFECTS", "TAKE"}).Show(),
            "[[:0, 'SET', 'a', '1'], [:0, 'SET', 'a', '2', 'KEEPTTL'], [:0, 'RPUSH', 'list', "
            "'x'], [:0, 'LPOP', 'list']]");
  admin.Do("DEBUG PEAL-EFFECTS STOP");
  EXPECT_EQ(InfoNumber("scripts_shared"), shared + 1);
  EXPECT_EQ(waiter.Read().Show(), "['list', 'x']");
  EXPECT_EQ(Frame(listener.Read()), "message news n");
  watcher.Do("MULTI");
  watcher.Do("GET a");
  EXPECT_TRUE(watcher.Call({"EXEC"}).IsNull());
}

TEST_P(Scripts, FunctionsAreSharedUntilTheirLibraryChanges) {
  if (IsReference()) GTEST_SKIP() << "counts that redis-server does not have";
  Client client = Connect();
  const auto load = [&](int version) {
    client.Call({"FUNCTION", "LOAD", "REPLACE",
                 "#!lua name=lib\nredis.register_function('f', function(keys) redis.call('INCR', "
                 "keys[1]) return " +
                     std::to_string(version) + " end)"});
  };
  for (int version = 1; version <= 3; ++version) {
    load(version);
    const int64_t shared = InfoNumber("scripts_shared");
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(client.Do("FCALL f 1 k"), ":" + std::to_string(version));
    }
    EXPECT_EQ(InfoNumber("scripts_shared"), shared + 3);
  }
  EXPECT_EQ(client.Do("GET k"), "'15'");
}

TEST_P(Scripts, MonitorsSeeTheScriptThenItsCommands) {
  Client monitor = ConnectResp2();
  ASSERT_EQ(monitor.Do("MONITOR"), "OK");
  Client client = Connect();
  Eval(client, "redis.call('SET', 'm', 1)");
  std::vector<std::string> lines;
  while (lines.size() < 2) {
    const std::string line = monitor.ReadRaw();
    if (line.find("\"EVAL\"") != std::string::npos || line.find("lua]") != std::string::npos) {
      lines.push_back(line);
    }
  }
  EXPECT_THAT(lines[0], ::testing::HasSubstr("\"EVAL\" "));
  EXPECT_THAT(lines[1], ::testing::HasSubstr(" lua] \"SET\" \"m\" \"1\""));
}

TEST_P(Scripts, ALargeReplyIsThereToTheLastElement) {
  Client client = Connect();
  const Reply reply = Eval(client, "local t = {} for i = 1, 300000 do t[i] = i end return t");
  ASSERT_EQ(reply.items.size(), 300000u) << reply.Show().substr(0, 100);
  EXPECT_EQ(reply.items.back().Show(), ":300000");
}

TEST_P(Scripts, WhatATransactionWroteBeforeDoesNotLetAScriptWriteBeyondMaxmemory) {
  Client client = Connect();
  Client admin = ConnectResp2();
  client.Do("SET x 1");
  ASSERT_EQ(admin.Do("CONFIG SET maxmemory 1"), "OK");
  client.Do("MULTI");
  client.Do("DEL x");
  client.Call({"EVAL", "return redis.call('SET', 'y', 1)", "0"});
  EXPECT_THAT(client.Call({"EXEC"}).Show(), ::testing::StartsWith("[:1, -OOM "));
  admin.Do("CONFIG SET maxmemory 0");
}

TEST_P(Scripts, CoroutinesWorkAsInStockLua) {
  Client client = Connect();
  Client theirs = Client::Tcp(Reference().port());
  for (const char* const script :
       {"local c = coroutine.create(function(a, b) local c = coroutine.yield(a + b) "
        "local d, e = coroutine.yield(c * 2) return d + e end) "
        "return {select(2, coroutine.resume(c, 1, 2)), select(2, coroutine.resume(c, 10)), "
        "select(2, coroutine.resume(c, 3, 4)), coroutine.status(c)}",
        "local c = coroutine.create(function() error('x') end) "
        "return {tostring(coroutine.resume(c)), select(2, coroutine.resume(c))}",
        "local c = coroutine.create(error) return select(2, coroutine.resume(c, 'text'))",
        "local f = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) "
        "return {f(), f(), f(), f()}",
        "local f = coroutine.wrap(function() return 1 end) f() return {pcall(f)}",
        "local f = coroutine.wrap(function() error('x') end) return select(2, pcall(f))",
        "local f = coroutine.wrap(function() error({err = 'y'}) end) return select(2, pcall(f))",
        "local f = coroutine.wrap(function() return redis.call('nonsense') end) return f()",
        "coroutine.wrap(1)", "coroutine.resume(1)", "return coroutine.wrap",
        "local c c = coroutine.create(function() return coroutine.resume(c) end) "
        "return select(3, coroutine.resume(c))",
        "return #{coroutine.wrap(function(...) return ... end)(1, 2, 3)}",
        "return tostring(coroutine.running())",
        "return type(coroutine.wrap(function() return coroutine.running() end)())"}) {
    const std::vector<std::string> command = {"EVAL", script, "0"};
    EXPECT_EQ(Escaped(client.Call(command).Show()), Escaped(theirs.Call(command).Show())) << script;
  }
}

TEST_P(Scripts, SortsAsStockLua) {
  Client client = Connect();
  Client theirs = Client::Tcp(Reference().port());
  for (const char* const script :
       {"local t = {} for i = 1, 200 do t[i] = {(i * 7919) % 50, i} end "
        "table.sort(t, function(a, b) return a[1] < b[1] end) return t",
        "local m = {__lt = function(a, b) return a[1] < b[1] end} local t = {} "
        "for i = 1, 200 do t[i] = setmetatable({(i * 7919) % 50, i}, m) end table.sort(t) return t",
        "local t = {} for i = 1, 200 do t[i] = i end table.sort(t, function() return true end)",
        "local t = {} for i = 1, 200 do t[i] = i end t[100] = 'x' table.sort(t)",
        "local t = {} for i = 1, 200 do t[i] = i end table.sort(t, function() error('x') end)",
        "local t = {} for i = 1, 200 do t[i] = i end table.sort(t, 1)",
        "local t = {} for i = 1, 200 do t[i] = (i * 7919) % 200 end t[7] = 0 / 0 "
        "return {pcall(table.sort, t), #t}"}) {
    const std::vector<std::string> command = {"EVAL", script, "0"};
    EXPECT_EQ(Escaped(client.Call(command).Show()), Escaped(theirs.Call(command).Show())) << script;
  }
}

// ---------------------------------------------------------------- functions

constexpr const char* kLibrary =
    "#!lua name=lib\n"
    "redis.register_function('put', function(k, a) return redis.call('SET', k[1], a[1]) end)\n"
    "redis.register_function{function_name = 'get', flags = {'no-writes'},\n"
    "  callback = function(k) return redis.call('GET', k[1]) end}";

TEST_P(Scripts, FunctionsAreKnownToEveryReactor) {
  std::vector<Client> clients;
  clients.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) clients.push_back(Connect());
  ASSERT_EQ(clients[0].Call({"FUNCTION", "LOAD", kLibrary}).Show(), "'lib'");
  for (Client& client : clients) {
    EXPECT_EQ(client.Call({"FCALL", "put", "1", "k", "v"}).Show(), "OK");
    EXPECT_EQ(client.Call({"FCALL_RO", "GET", "1", "k"}).Show(), "'v'");
  }
  const std::string other =
      "#!lua name=lib\nredis.register_function('get', function() return 'new' end)";
  ASSERT_EQ(clients[1].Call({"FUNCTION", "LOAD", "REPLACE", other}).Show(), "'lib'");
  for (Client& client : clients) {
    EXPECT_EQ(client.Call({"FCALL", "get", "0"}).Show(), "'new'");
    EXPECT_EQ(client.Call({"FCALL", "put", "0"}).Show(), "-ERR Function not found");
  }
  ASSERT_EQ(clients[2].Do("FUNCTION DELETE lib"), "OK");
  EXPECT_EQ(clients[3].Call({"FCALL", "get", "0"}).Show(), "-ERR Function not found");
}

TEST_P(Scripts, ADumpIsRestoredByEitherServer) {
  Client theirs = Client::Tcp(Reference().port());
  Client ours = ConnectResp2();
  theirs.Do("FUNCTION FLUSH");
  ASSERT_EQ(ours.Call({"FUNCTION", "LOAD", kLibrary}).Show(), "'lib'");
  const std::string dump = ours.Call({"FUNCTION", "DUMP"}).text;
  EXPECT_EQ(theirs.Call({"FUNCTION", "RESTORE", dump}).Show(), "OK");
  EXPECT_EQ(Escaped(theirs.Call({"FUNCTION", "DUMP"}).text), Escaped(dump));
  EXPECT_EQ(ours.Call({"FUNCTION", "RESTORE", dump}).Show(), "-ERR Library lib already exists");
  EXPECT_EQ(ours.Call({"FUNCTION", "RESTORE", dump, "REPLACE"}).Show(), "OK");
  EXPECT_EQ(ours.Call({"FUNCTION", "RESTORE", dump, "FLUSH"}).Show(), "OK");
  for (size_t i = 0; i < dump.size(); ++i) {
    std::string broken = dump;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_TRUE(ours.Call({"FUNCTION", "RESTORE", broken, "REPLACE"}).IsError()) << i;
  }
  theirs.Do("FUNCTION FLUSH");
}

TEST_P(Scripts, ALibraryThatGoesOnForEverIsNotLoaded) {
  Client client = Connect();
  EXPECT_THAT(client.Call({"FUNCTION", "LOAD", "#!lua name=x\nwhile true do end"}).Show(),
              ::testing::HasSubstr("FUNCTION LOAD timeout"));
  EXPECT_EQ(client.Do("PING"), "PONG");
  EXPECT_EQ(client.Do("FUNCTION LIST"), "[]");
}

}  // namespace
}  // namespace peal::tests
