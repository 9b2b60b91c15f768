// Scripts that mean harm, or run for too long: they end in an error on their own connection, the
// others get an answer meanwhile, and memory stays bounded.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

constexpr int kThresholdMs = 50;

class HostileScripts : public Behaviour {
 protected:
  void SetUp() override {
    Behaviour::SetUp();
    if (IsReference()) GTEST_SKIP() << "some of these end a redis-server";
    Client admin = ConnectResp2();
    admin.Do("CONFIG SET busy-reply-threshold " + std::to_string(kThresholdMs));
    admin.Do("CONFIG SET lua-memory-limit 32mb");
  }

  /// Asks every reactor until it says BUSY.
  void AwaitBusy(std::vector<Client>& others) {
    for (Client& other : others) {
      ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
    }
  }

  /// Runs a script until its reply comes, of itself or because it was killed; the others are
  /// answered all the time. The reply may be nested more deeply than the tests' parser goes.
  void RunToItsEnd(const std::vector<std::string>& command) {
    Client client = ConnectResp2();
    std::vector<Client> others;
    others.reserve(kManyReactors);
    for (int i = 0; i < kManyReactors; ++i) others.push_back(ConnectResp2());
    client.SendCommand(command);
    while (!client.HasInput()) {
      for (Client& other : others) {
        const auto begin = std::chrono::steady_clock::now();
        const std::string reply = other.Do("PING");
        waits_.push_back(std::chrono::steady_clock::now() - begin);
        EXPECT_TRUE(reply == "PONG" || reply.starts_with("-BUSY")) << reply;
      }
      const std::string killed = others[0].Do("SCRIPT KILL");
      EXPECT_TRUE(killed == "OK" || killed.starts_with("-NOTBUSY")) << killed;
    }
  }

  /// Tells how long the others waited for their replies. For people: no test depends on it.
  void TellWaits() {
    if (waits_.empty()) return;
    std::sort(waits_.begin(), waits_.end());
    const auto at = [this](size_t percent) {
      const std::chrono::duration<double, std::milli> wait =
          waits_[(waits_.size() - 1) * percent / 100];
      return wait.count();
    };
    std::printf("[   WAITS  ] %zu PINGs of others: p50 %.2f, p99 %.1f, longest %.1f ms\n",
                waits_.size(), at(50), at(99), at(100));
  }

 private:
  std::vector<std::chrono::steady_clock::duration> waits_;
};
INSTANTIATE_TEST_SUITE_P(, HostileScripts, ::testing::ValuesIn(ReactorSetups()), SetupName);

/// Clients that take little at a time, plain and over TLS.
class SlowReaders : public HostileScripts {
 protected:
  static constexpr int kSmallBuffer = 4096;
};
INSTANTIATE_TEST_SUITE_P(
    , SlowReaders,
    ::testing::Values(Setup{.reactors = 1, .stripes = kManyStripes},
                      Setup{.reactors = kManyReactors, .stripes = kManyStripes},
                      Setup{.reactors = 1, .stripes = kManyStripes, .tls = true}),
    SetupName);

// NOLINTBEGIN(bugprone-suspicious-missing-comma): many are longer than a line.
constexpr const char* kHostile[] = {
    // Loops.
    "while true do end",
    "repeat until false",
    "for i = 1, math.huge do end",
    "while true do pcall(function() while true do end end) end",
    "while true do pcall(error) end",
    "local function f() return f() end f()",
    "local f f = function() pcall(f) return f() end f()",
    "while true do xpcall(function() error('x') end, function() while true do end end) end",
    "coroutine.wrap(function() while true do end end)()",
    "while true do local c = coroutine.create(function() while true do coroutine.yield() end end) "
    "for i = 1, 1000 do coroutine.resume(c) end end",
    "local c = coroutine.wrap(function() while true do pcall(function() while true do end end) end "
    "end) c()",
    "while true do redis.call('PING') end",
    "while true do redis.pcall('nonsense') end",
    "while true do redis.pcall() end",
    "while true do loadstring('return 1') end",
    "while true do loadstring(string.rep('x=1 ', 10000)) end",
    "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) return t[1]",
    "local t = setmetatable({}, {__index = function() while true do end end}) return t.x",
    "return setmetatable({}, {__eq = function() while true do end end}) == {}",
    "local m = {__lt = function() while true do end end} "
    "return setmetatable({}, m) < setmetatable({}, m)",
    "local m = {__concat = function() while true do end end} return setmetatable({}, m) .. 'x'",
    "table.sort({3, 2, 1, 5, 4}, function() while true do end end)",
    "string.gsub('abc', '.', function() while true do end end)",
    "table.foreach({1}, function() while true do end end)",
    "load(function() while true do end end)",
    "load(function() return ' ' end)",
    "load(function() return 1 end)",
    "while true do collectgarbage() end",
    "while true do collectgarbage('step') end",
    "while true do os.clock() end",
    "while true do redis.sha1hex(string.rep('x', 1000000)) end",
    "while true do redis.log(redis.LOG_DEBUG, string.rep('x', 100000)) end",
    // Errors that are caught on the way out.
    "local function f(n) if n == 0 then while true do end end while true do pcall(f, n - 1) end "
    "end "
    "f(6)",
    "local function f(n) if n == 0 then while true do end end "
    "while true do coroutine.resume(coroutine.create(f), n - 1) end end f(6)",
    "local function f(n) if n == 0 then while true do end end "
    "while true do pcall(coroutine.wrap(f), n - 1) end end f(6)",
    "local function f(n) if n == 0 then while true do end end "
    "while true do load(function() f(n - 1) end) end end f(6)",
    "while true do xpcall(function() while true do end end, "
    "function() while true do end end) end",
    // Loops without instructions.
    "local a, b = {}, {} for i = 1, 100 do local c, d = {}, {} c[a] = table.foreach "
    "c[b] = table.foreach d[a] = table.foreach d[b] = table.foreach a, b = c, d end "
    "table.foreach(a, table.foreach)",
    "load(os.clock)",
    "load(math.random)",
    "local t = {} for i = 1, 300 do t[i] = {} for k = 1, i - 1 do t[i][t[k]] = true end end "
    "local u = {} for i = 1, 30000 do u[i] = t[i % 300 + 1] end "
    "while true do table.sort(u, rawget) end",
    "local m = {__lt = rawequal} local t = {} "
    "for i = 1, 100000 do t[i] = setmetatable({}, m) end while true do table.sort(t) end",
    "local c = coroutine.wrap(function() local s = string.rep('x', 5000000) "
    "while true do local a = s .. 'y' end end) c()",
    "local s = string.rep('\\0', 8000000) while true do local a = s < s end",
    "local s = string.rep(' ', 8000000) while true do tonumber(s) end",
    "local s = string.rep('1', 8000000) while true do local a = s + 0 end",
    "local s = string.rep('\\0', 4000000) while true do "
    "coroutine.wrap(function() local a = s < s end)() end",
    "local t = {1} for i = 1, 60 do t = {t, t} end return t",
    // Loops inside functions.
    "return string.find(string.rep('a', 40000), string.rep('.-', 12) .. 'b')",
    "return string.find(string.rep('a', 100), string.rep('a?', 100) .. string.rep('a', 101))",
    "return string.match(string.rep('x', 1000000), '.-.-.-.-y')",
    "return string.gsub(string.rep('x', 100000), '(.-)(.-)(.-)z', '%1')",
    "for a in string.gmatch(string.rep('x', 1000000), '.-.-y') do end",
    "return string.find(string.rep('(', 1000000), '%b()')",
    "while true do string.find(string.rep('a', 1000000), 'b', 1, true) end",
    "return string.rep('', 2000000000)",
    "while true do string.rep('x', 1000000) end",
    "local s = string.rep('x', 5000000) while true do s:upper() s:reverse() s:byte(1, 10) end",
    "local s = string.rep('x', 5000000) while true do local a = s .. 'y' end",
    "local a = string.rep('x', 5000000) local b = a .. 'y' while true do local c = a < b end",
    "local t = {} for i = 1, 200000 do t[i] = i end while true do table.insert(t, 1, 0) "
    "table.remove(t, 1) end",
    "local t = {} for i = 1, 200000 do t[i] = (i * 7919) % 200003 end while true do table.sort(t) "
    "t[1], t[2] = t[2], t[1] end",
    "local t = {} for i = 1, 100000 do t[i] = 'abc' end while true do table.concat(t) end",
    "local t = {} for i = 1, 100000 do t[i] = i end while true do cjson.encode(t) end",
    "local s = '[' .. string.rep('1,', 200000) .. '1]' while true do cjson.decode(s) end",
    "local t = {} for i = 1, 100000 do t[i] = i end while true do cmsgpack.pack(t) end",
    "local s = string.rep(struct.pack('I4', 1), 1000) while true do "
    "struct.unpack(string.rep('I4', 1000), s) end",
    "return struct.pack(string.rep('x', 100000000))",
    // Memory.
    "local s = 'x' while true do s = s .. s end",
    "local t = {} while true do t[#t + 1] = {} end",
    "local t = {} local i = 0 while true do i = i + 1 t['k' .. i] = i end",
    "return string.rep('x', 2000000000)",
    "return string.rep(string.rep('x', 100000), 100000)",
    "return string.gsub(string.rep('x', 100000), 'x', string.rep('y', 100000))",
    "local t = {} for i = 1, 1e9 do t[i] = 1 end",
    "local t = {} while true do t[#t + 1] = function() return t end end",
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end",
    "local s = string.rep('x', 1000) local t = {} for i = 1, 100000 do t[i] = s end "
    "return cjson.encode({t, t, t, t})",
    "local s = string.rep('x', 1000000) local t = {} for i = 1, 1000 do t[i] = s end return t",
    "local s = string.rep('x', 1000000) local t = {} for i = 1, 1000 do t[i] = s end "
    "return cmsgpack.pack(t)",
    "return loadstring('return {' .. string.rep('{},', 10000000) .. '}')",
    // Depth.
    "local function f() return 1 + f() end return f()",
    "local t = {} for i = 1, 100000 do t = {t} end return t",
    "local t = {} t[1] = t return t",
    "local t = {} t[1] = t return cjson.encode(t)",
    "local t = {} t[1] = t return #cmsgpack.pack(t)",
    "cjson.decode_max_depth(1000000) return cjson.decode(string.rep('[', 100000))",
    "cjson.encode_max_depth(1000000) local t = {} for i = 1, 100000 do t = {t} end "
    "return cjson.encode(t)",
    "return cmsgpack.unpack(string.rep('\\145', 1000000))",
    "return loadstring('return ' .. string.rep('(', 10000) .. string.rep(')', 10000))",
    "return loadstring(string.rep('do ', 100000) .. string.rep('end ', 100000))",
    "return string.find(string.rep('a', 100000), string.rep('(a?)', 100000))",
    "return string.find('a', string.rep('a?', 1000000))",
    // Counts that are only named.
    "return unpack({}, 1, 8000000)",
    "return unpack({}, -2147483648, 2147483647)",
    "return unpack({}, 1, 2147483647)",
    "return cmsgpack.unpack('\\221\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\219\\255\\255\\255\\255')",
    "return cmsgpack.unpack('\\223\\255\\255\\255\\255\\1\\1')",
    "return struct.unpack('c2000000000', 'x')",
    "return struct.unpack('i32', string.rep('x', 31))",
    "return struct.pack('c2000000000', 'x')",
    "return struct.unpack('bc0', '\\127x')",
    "return struct.unpack('i4', 'abcdefgh', 2147483647)",
    "return bit.tohex(1, -2147483648)",
    "return string.format('%99.99f', 1e308)",
    "return string.format('%1000d', 1)",
    "return select(-1)",
    "return string.byte(string.rep('x', 1000000), 1, -1)",
    "return table.concat({}, 'x', 1, 2000000000)",
    // Ways out.
    "return getmetatable(redis)",
    "return getmetatable(coroutine.create(function() end))",
    "return setmetatable(getmetatable(''), {})",
    "return string.dump(redis.call)",
    "return loadstring(string.dump(function() end))",
    "return next(_G, 'nothing')",
    "return rawget(_G, '__index')",
    "for k, v in pairs(redis) do rawset(redis, k, nil) end",
    "return error(setmetatable({}, {__index = function() while true do end end}))",
    "return error(redis)",
    "return error(setmetatable({}, {__newindex = function() while true do end end}))",
    "return error(setmetatable({}, {__tostring = function() while true do end end}))",
};
// NOLINTEND(bugprone-suspicious-missing-comma)
static_assert(std::size(kHostile) >= 100);

TEST_P(HostileScripts, EachEndsOnItsOwnConnection) {
  for (const char* const script : kHostile) {
    SCOPED_TRACE(script);
    RunToItsEnd({"EVAL", script, "0"});
    Client after = ConnectResp2();
    EXPECT_EQ(after.Do("PING"), "PONG");
    // The bound of each reactor, and what is freed only by the next script.
    EXPECT_LE(InfoNumber("used_memory_lua"), int64_t{kManyReactors} * 40 * 1024 * 1024);
  }
  TellWaits();
}

TEST_P(HostileScripts, EveryReactorSaysBusyUntilTheScriptIsKilled) {
  Client client = ConnectResp2();
  std::vector<Client> others;
  others.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  client.SendCommand({"EVAL", "while true do end", "0"});
  // Sent before anybody can tell; some may have come before the script.
  for (Client& other : others) other.SendLine("GET x");
  for (Client& other : others) {
    const std::string early = other.Read().Show();
    EXPECT_TRUE(early == "nil" || early.starts_with("-BUSY")) << early;
  }
  AwaitBusy(others);
  for (Client& other : others) {
    EXPECT_EQ(other.Do("GET x"),
              "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
              "NOSAVE.");
  }
  EXPECT_THAT(others[1].Call({"EVAL", "return 1", "0"}).Show(), ::testing::StartsWith("-BUSY"));
  EXPECT_EQ(others[2].Do("MULTI"), "OK");
  EXPECT_THAT(others[2].Do("GET x"), ::testing::StartsWith("-BUSY"));
  EXPECT_EQ(others[2].Do("DISCARD"), "OK");
  EXPECT_EQ(others[3].Do("WATCH x"), "OK");
  EXPECT_EQ(others[3].Do("RESET"), "RESET");
  EXPECT_THAT(others[4].Do("FUNCTION KILL"), ::testing::StartsWith("-BUSY"));
  EXPECT_THAT(others[4].Do("FUNCTION STATS"), ::testing::HasSubstr("'duration_ms'"));
  Client late = ConnectResp2();
  EXPECT_THAT(late.Do("GET x"), ::testing::StartsWith("-BUSY"));
  EXPECT_EQ(late.Do("SCRIPT KILL"), "OK");
  EXPECT_THAT(client.Read().Show(),
              ::testing::StartsWith("-ERR Script killed by user with SCRIPT KILL. script: "));
  EXPECT_EQ(late.Do("SCRIPT KILL"), "-NOTBUSY No scripts in execution right now.");
  EXPECT_EQ(late.Do("PING"), "PONG");
}

TEST_P(HostileScripts, AScriptThatHasWrittenIsNotKilled) {
  Client client = ConnectResp2();
  Client other = ConnectResp2();
  client.SendCommand({"EVAL",
                      "redis.call('SET', 'k', 1) while redis.call('TIME')[1] - ARGV[1] < 0 do end "
                      "local n = 0 while n < 1e8 do n = n + 1 end return 'done'",
                      "0", "0"});
  ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
  EXPECT_THAT(other.Do("SCRIPT KILL"), ::testing::StartsWith("-UNKILLABLE Sorry the script"));
  EXPECT_EQ(client.Read().Show(), "'done'");
}

TEST_P(HostileScripts, AScriptThatKeptToItsKeysIsKilledOnceItSpins) {
  Client client = ConnectResp2();
  std::vector<Client> others;
  others.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  for (const bool writes : {false, true}) {
    SCOPED_TRACE(writes);
    std::string script = "redis.call('GET', KEYS[1]) ";
    if (writes) script += "redis.call('SET', KEYS[1], 'written') ";
    script += "local n, most = 0, tonumber(ARGV[1]) while n < most do n = n + 1 end return 'done'";
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(client.Call({"EVAL", script, "1", "k", "0"}).Show(), "'done'");
    }
    const int64_t shared = InfoNumber("scripts_shared");
    ASSERT_EQ(client.Call({"EVAL", script, "1", "k", "0"}).Show(), "'done'");
    ASSERT_EQ(InfoNumber("scripts_shared"), shared + 1);
    client.SendCommand({"EVAL", script, "1", "k", writes ? "5e7" : "1e300"});
    // All of them ask for its key, or for everything, or for a transaction before they learn.
    const std::vector<std::string> asked = {"GET k",   "KEYS *",    "SCAN 0",   "DBSIZE",
                                            "SET k 1", "BLPOP k 1", "FLUSHALL", "RANDOMKEY"};
    for (size_t i = 0; i < others.size(); ++i) others[i].SendLine(asked[i % asked.size()]);
    ASSERT_TRUE(Eventually([&] { return ConnectResp2().Do("PING").starts_with("-BUSY"); }));
    Client killer = ConnectResp2();
    const std::string answer = killer.Do("SCRIPT KILL");
    if (writes) {
      EXPECT_THAT(answer, ::testing::StartsWith("-UNKILLABLE "));
      EXPECT_EQ(client.Read().Show(), "'done'");
    } else {
      EXPECT_EQ(answer, "OK");
      EXPECT_THAT(client.Read().Show(),
                  ::testing::StartsWith("-ERR Script killed by user with SCRIPT KILL. script: "));
    }
    for (Client& other : others) other.Read();
    client.Do("FLUSHALL");
  }
  EXPECT_EQ(InfoNumber("scripts_in_conflict"), 0);
}

TEST_P(HostileScripts, AScriptWithAMillionKeysThatNamesThemOverAndOverIsKilled) {
  constexpr int kKeys = 1'000'000;
  Client admin = ConnectResp2();
  admin.Do("CONFIG SET lua-memory-limit 256mb");
  // Only the tables of keys take longer than the usual threshold here.
  admin.Do("CONFIG SET busy-reply-threshold 1000");
  std::vector<std::string> command = {"EVAL",
                                      "local t = {} for i = 1, 7900 do t[i] = KEYS[#KEYS] end "
                                      "while true do redis.call('MGET', unpack(t)) end",
                                      std::to_string(kKeys)};
  // All as long as the last one, so that their lengths do not tell them apart.
  for (int i = 0; i < kKeys; ++i) command.push_back(std::to_string(kKeys + i));
  RunToItsEnd(command);
}

TEST_P(HostileScripts, AFunctionIsKilledByFunctionKill) {
  Client client = ConnectResp2();
  Client other = ConnectResp2();
  ASSERT_EQ(client
                .Call({"FUNCTION", "LOAD", "REPLACE",
                       "#!lua name=spin\nredis.register_function('spin', function() while true do "
                       "end end)"})
                .Show(),
            "'spin'");
  client.SendLine("FCALL spin 0");
  ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
  EXPECT_THAT(other.Do("SCRIPT KILL"), ::testing::StartsWith("-BUSY"));
  EXPECT_EQ(other.Do("FUNCTION KILL"), "OK");
  EXPECT_THAT(client.Read().Show(), ::testing::StartsWith("-ERR Script killed by user with "
                                                          "FUNCTION KILL."));
  other.Do("FUNCTION FLUSH");
}

TEST_P(HostileScripts, ClientsMayLeaveWhileAScriptSpins) {
  Client client = ConnectResp2();
  std::vector<Client> leaving;
  leaving.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) leaving.push_back(ConnectResp2());
  for (Client& each : leaving) {
    each.Do("WATCH x");
    each.SendLine("SUBSCRIBE c");
    each.Read();
  }
  client.SendCommand({"EVAL", "while true do end", "0"});
  Client other = ConnectResp2();
  ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
  leaving.clear();
  EXPECT_EQ(other.Do("SCRIPT KILL"), "OK");
  EXPECT_TRUE(client.Read().IsError());
  EXPECT_TRUE(Eventually([&] { return Info("pubsub_channels") == "0"; }));
}

TEST_P(SlowReaders, GetWhatWaitsForThemWhileAScriptSpins) {
  constexpr int kMessages = 12;
  const std::string payload(1 << 20, 'x');
  Client client = ConnectResp2();
  Client other = ConnectResp2();
  std::vector<Client> subscribers;
  for (int i = 0; i < 2 * GetParam().reactors; ++i) {
    subscribers.push_back(server().Connect(kSmallBuffer));
    Subscribe(subscribers.back(), {"SUBSCRIBE", "c"});
  }
  // More than sockets take, and less than the limit of subscribers.
  for (int i = 0; i < kMessages; ++i) {
    EXPECT_EQ(other.Call({"PUBLISH", "c", payload}).integer, 2 * GetParam().reactors);
  }
  client.SendCommand({"EVAL", "while true do end", "0"});
  ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
  for (Client& subscriber : subscribers) {
    for (int i = 0; i < kMessages; ++i) EXPECT_EQ(subscriber.Read().At(2), payload);
  }
  EXPECT_EQ(other.Do("SCRIPT KILL"), "OK");
  EXPECT_TRUE(client.Read().IsError());
}

TEST_P(SlowReaders, AreHeardOnWhatTheySentBehindALargeReply) {
  constexpr int kBytes = 32 << 20;
  Client admin = ConnectResp2();
  ASSERT_EQ(admin.Do("SETRANGE big " + std::to_string(kBytes - 1) + " x"),
            ":" + std::to_string(kBytes));
  Client killer = server().Connect(kSmallBuffer);
  const int64_t id = killer.Id();
  // Both in one piece: over TLS in one record.
  killer.Send(EncodeCommand({"GET", "big"}) + EncodeCommand({"SCRIPT", "KILL"}));
  ASSERT_TRUE(Eventually([&] {
    const std::string line = admin.Do("CLIENT LIST ID " + std::to_string(id));
    return line.find(" cmd=get ") != std::string::npos &&
           line.find(" omem=0 ") == std::string::npos;
  }));
  // On the same reactor, which serves it from the middle of the script.
  std::vector<Client> clients;
  do {
    clients.push_back(ConnectResp2());
  } while (clients.back().Id() % 64 != id % 64);
  clients.back().SendCommand({"EVAL", "while true do end", "0"});
  ASSERT_TRUE(Eventually([&] { return admin.Do("PING").starts_with("-BUSY"); }));
  EXPECT_EQ(killer.Read().text.size(), size_t{kBytes});
  EXPECT_EQ(killer.Read().Show(), "OK");
  EXPECT_TRUE(clients.back().Read().IsError());
}

TEST_P(HostileScripts, ThePipelineBehindAScriptIsNotTouchedByThoseServedMeanwhile) {
  constexpr int kBehind = 40;
  Client client = ConnectResp2();
  std::vector<Client> others;
  others.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  std::vector<std::vector<std::string>> pipeline = {{"EVAL", "while true do end", "0"}};
  for (int i = 0; i < kBehind; ++i) {
    pipeline.push_back({"SET", "key" + std::to_string(i), "value" + std::to_string(i)});
  }
  std::string bytes;
  for (const auto& command : pipeline) bytes += EncodeCommand(command);
  client.Send(bytes);
  AwaitBusy(others);
  for (Client& other : others) {
    EXPECT_THAT(other.Do("DEL not these words"), ::testing::StartsWith("-BUSY"));
  }
  EXPECT_EQ(others[0].Do("SCRIPT KILL"), "OK");
  EXPECT_TRUE(client.Read().IsError());
  for (int i = 0; i < kBehind; ++i) EXPECT_EQ(client.Read().Show(), "OK") << i;
  for (int i = 0; i < kBehind; ++i) {
    EXPECT_EQ(client.Do("GET key" + std::to_string(i)), "'value" + std::to_string(i) + "'");
  }
}

TEST_P(HostileScripts, WhoIsServedMeanwhileDoesNotGiveTheScriptRoomToWrite) {
  Client client = ConnectResp2();
  std::vector<Client> others;
  others.reserve(2 * kManyReactors);
  for (int i = 0; i < 2 * kManyReactors; ++i) others.push_back(ConnectResp2());
  ASSERT_EQ(client.Do("CONFIG SET maxmemory 1"), "OK");
  client.SendCommand({"EVAL",
                      "local n = 0 while n < 1e8 do n = n + 1 end "
                      "return redis.call('SET', 'x', 1)",
                      "0"});
  AwaitBusy(others);
  for (Client& other : others) EXPECT_EQ(other.Do("UNWATCH"), "OK");
  EXPECT_THAT(client.Read().Show(), ::testing::StartsWith("-OOM command not allowed"));
  EXPECT_EQ(client.Do("CONFIG SET maxmemory 0"), "OK");
}

TEST_P(HostileScripts, OnlyAShutdownThatSavesNothingEndsAScript) {
  Client client = ConnectResp2();
  Client other = ConnectResp2();
  client.SendCommand({"EVAL", "while true do end", "0"});
  ASSERT_TRUE(Eventually([&] { return other.Do("PING").starts_with("-BUSY"); }));
  EXPECT_EQ(other.Do("SHUTDOWN"),
            "-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN "
            "NOSAVE.");
  EXPECT_THAT(other.Do("SHUTDOWN SAVE"), ::testing::StartsWith("-BUSY"));
  EXPECT_EQ(other.Do("SCRIPT KILL"), "OK");
  EXPECT_TRUE(client.Read().IsError());
}

TEST(HostileScriptsOwnServer, WhoLeavesWhileAScriptSpinsMakesRoomForOthers) {
  for (const int reactors : {1, kManyReactors}) {
    Server server(
        {.reactors = reactors, .args = {"--busy-reply-threshold", "50", "--maxclients", "8"}});
    if (server.IsReference()) GTEST_SKIP();
    Client client = server.Connect();
    client.SendCommand({"EVAL", "while true do end", "0"});
    Client other = server.Connect();
    while (!other.Do("PING").starts_with("-BUSY")) {
    }
    for (int i = 0; i < 60; ++i) {
      Client passing = server.Connect();
      EXPECT_THAT(passing.Do("PING"), ::testing::StartsWith("-BUSY")) << i;
      passing.ShutdownWrite();
      passing.ReadUntilClosed();
    }
    EXPECT_EQ(other.Do("SCRIPT KILL"), "OK");
    EXPECT_TRUE(client.Read().IsError());
  }
}

TEST(HostileScriptsOwnServer, TheServerEndsInTheMiddleOfAScript) {
  for (const int reactors : {1, kManyReactors}) {
    for (const char* const script :
         {"while true do end", "redis.call('SET', 'k', 1) while true do end"}) {
      Server server({.reactors = reactors, .args = {"--busy-reply-threshold", "50"}});
      if (server.IsReference()) GTEST_SKIP();
      Client client = server.Connect();
      client.SendCommand({"EVAL", script, "0"});
      Client other = server.Connect();
      while (!other.Do("PING").starts_with("-BUSY")) {
      }
      other.SendLine("SHUTDOWN NOSAVE");
      EXPECT_EQ(server.WaitForExit(), 0);
    }
  }
}

}  // namespace
}  // namespace peal::tests
