// LCS and the string commands of Redis 8 and Valkey 9. Replies of LCS were observed on redis-server
// 7.0.15, others stand in the documentation.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class MoreStrings : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) EXPECT_EQ(client.Do(step.command), step.reply) << step.command;
  }
};
INSTANTIATE_TEST_SUITE_P(, MoreStrings, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(MoreStrings, LcsFindsWhatTwoStringsShare) {
  Run({
      {"MSET a ohmytext b mynewtext", "OK"},
      {"LCS a b", "'mytext'"},
      {"LCS a b LEN", ":6"},
      {"LCS a missing", "''"},
      {"LCS missing a LEN", ":0"},
      {"LCS a b LEN IDX", "-ERR If you want both the length and indexes, please just use IDX."},
      {"LCS a b MINMATCHLEN", "-ERR syntax error"},
      {"LCS a b MINMATCHLEN x", "-ERR value is not an integer or out of range"},
      {"LCS a b bogus", "-ERR syntax error"},
      {"LCS a b LEN MINMATCHLEN 4", ":6"},
      {"SET n 123", "OK"},
      {"SET m 1523", "OK"},
      {"LCS n m", "'123'"},
  });
}

TEST_P(MoreStrings, LcsTellsWhereTheRunsAre) {
  Client client = Connect();
  ASSERT_EQ(client.Do("MSET a ohmytext b mynewtext"), "OK");
  const auto with_runs = [&](const std::string& runs) {
    return resp() == 3 ? "{'matches': " + runs + ", 'len': :6}"
                       : "['matches', " + runs + ", 'len', :6]";
  };
  EXPECT_EQ(client.Do("LCS a b IDX"), with_runs("[[[:4, :7], [:5, :8]], [[:2, :3], [:0, :1]]]"));
  EXPECT_EQ(client.Do("LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN"),
            with_runs("[[[:4, :7], [:5, :8], :4]]"));
  EXPECT_EQ(client.Do("LCS a b IDX MINMATCHLEN 5"), with_runs("[]"));
  EXPECT_EQ(client.Do("LCS a b IDX MINMATCHLEN -1 WITHMATCHLEN"),
            with_runs("[[[:4, :7], [:5, :8], :4], [[:2, :3], [:0, :1], :2]]"));
}

TEST_P(MoreStrings, LcsOfLongStringsIsRefused) {
  Client client = Connect();
  const std::string text(20'000, 'x');
  ASSERT_EQ(client.Call({"MSET", "a", text, "b", text}).Show(), "OK");
  EXPECT_EQ(client.Do("LCS a b LEN"),
            "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  ASSERT_EQ(client.Call({"SET", "b", text.substr(0, 6000)}).Show(), "OK");
  EXPECT_EQ(client.Do("LCS a b LEN"), ":6000");
}

// Redis 8.4's documentation and observations of 8.4 to 8.10 by others.
TEST_P(MoreStrings, SetComparesTheValueFirst) {
  Run({
      {"SET a v1 IFEQ x", "nil"},
      {"EXISTS a", ":0"},
      {"SET a v1 IFNE x", "OK"},
      {"SET a v2 IFNE v1", "nil"},
      {"GET a", "'v1'"},
      {"SET a v2 IFEQ v1 EX 100", "OK"},
      {"TTL a", ":100"},
      {"SET a v3 IFEQ v2 KEEPTTL", "OK"},
      {"TTL a", ":100"},
      {"SET a v4 IFEQ v2 GET", "'v3'"},
      {"SET a v4 ifeq v3 GET", "'v3'"},
      {"GET a", "'v4'"},
      {"SET none v IFEQ v GET", "nil"},
      {"SET none2 v IFNE v GET", "nil"},
      {"GET none2", "'v'"},
      {"SET a v5 IFEQ v4 NX", "-ERR syntax error"},
      {"SET a v5 XX IFEQ v4", "-ERR syntax error"},
      {"SET a v5 IFEQ v4 IFNE v4", "-ERR syntax error"},
      {"SET a v5 IFEQ", "-ERR syntax error"},
      {"SET c 10", "OK"},
      {"INCR c", ":11"},
      {"SET c 12 IFEQ 11", "OK"},
      {"SET h hello", "OK"},
      {"DIGEST h", "'9555e8555c62dcfd'"},
      {"SET h x IFDNE 9555e8555c62dcfd", "nil"},
      {"SET h x IFDEQ 0000000000000000", "nil"},
      {"SET h x IFDEQ 9555E8555C62DCFD", "OK"},
      {"SET h y IFDEQ 123", "-ERR must be exactly 16 hexadecimal characters"},
      {"GET h", "'x'"},
      {"SET new1 v IFDEQ 9555e8555c62dcfd", "nil"},
      {"SET new2 v IFDNE 9555e8555c62dcfd", "OK"},
  });
}

TEST_P(MoreStrings, DigestsAreTheSameEverywhere) {
  Run({
      {"SET a 123", "OK"},
      {"DIGEST a", "'404a763b3f4c8c9a'"},
      {"SET a v8", "OK"},
      {"DIGEST a", "'0cc76dbb41381419'"},
      {"DIGEST missing", "nil"},
      {"DIGEST", "-ERR wrong number of arguments for 'digest' command"},
  });
}

TEST_P(MoreStrings, KeysAreDeletedUnderConditions) {
  Run({
      {"DELEX k", ":0"},
      {"DELEX k IFEQ v", ":0"},
      {"DELEX k FOO v", ":0"},
      {"SET k hello", "OK"},
      {"DELEX k IFEQ other", ":0"},
      {"DELEX k IFNE hello", ":0"},
      {"DELEX k FOO hello", "-ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"},
      {"DELEX k IFDEQ 123", "-ERR must be exactly 16 hexadecimal characters"},
      {"DELEX k IFDNE 9555e8555c62dcfd", ":0"},
      {"DELEX k IFEQ", "-ERR wrong number of arguments for 'delex' command"},
      {"DELEX k IFEQ hello x", "-ERR wrong number of arguments for 'delex' command"},
      {"EXISTS k", ":1"},
      {"DELEX k IFDEQ 9555e8555c62dcfd", ":1"},
      {"SET k 0123", "OK"},
      {"DELEX k IFEQ 123", ":0"},
      {"DELEX k IFNE 123", ":1"},
      {"SET k v", "OK"},
      {"DELEX k", ":1"},
      {"SET k v", "OK"},
      {"DELIFEQ k w", ":0"},
      {"DELIFEQ k v", ":1"},
      {"DELIFEQ k v", ":0"},
      {"DELIFEQ k", "-ERR wrong number of arguments for 'delifeq' command"},
  });
}

TEST_P(MoreStrings, SeveralKeysAreSetWithOneTimeToLive) {
  Run({
      {"MSETEX 2 a 1 b 2 EX 100", ":1"},
      {"TTL b", ":100"},
      {"MSETEX 2 a 3 c 4 NX", ":0"},
      {"MSETEX 2 a 3 c 4 XX", ":0"},
      {"MGET a c", "['1', nil]"},
      {"MSETEX 2 a 3 b 4 XX KEEPTTL", ":1"},
      {"TTL a", ":100"},
      {"MSETEX 1 c 5 NX PXAT 9999999999999", ":1"},
      {"PEXPIRETIME c", ":9999999999999"},
      {"MSETEX 2 c 6 c 7", ":1"},
      {"GET c", "'7'"},
      {"TTL c", ":-1"},
      {"MSETEX 1 NX v NX", ":1"},
      {"MSETEX key1 val1 ex 10", "-ERR invalid numkeys value"},
      {"MSETEX 0 key1 val1 ex", "-ERR invalid numkeys value"},
      {"MSETEX -1 key1 val1 ex", "-ERR invalid numkeys value"},
      {"MSETEX 2147483648 k v", "-ERR invalid numkeys value"},
      {"MSETEX 2147483647 k v", "-ERR wrong number of key-value pairs"},
      {"MSETEX 2 a 1 b", "-ERR wrong number of key-value pairs"},
      {"MSETEX 1 a 1 bogus", "-ERR syntax error"},
      {"MSETEX 1 a 1 EX", "-ERR syntax error"},
      {"MSETEX 1 a 1 NX XX", "-ERR syntax error"},
      {"MSETEX 1 a 1 EX 1 PX 1", "-ERR syntax error"},
      {"MSETEX 1 a 1 KEEPTTL EX 1", "-ERR syntax error"},
      {"MSETEX 1 a 1 EX 1 KEEPTTL", "-ERR syntax error"},
      {"MSETEX 1 a 1 EX 0", "-ERR invalid expire time in 'msetex' command"},
      {"MSETEX 1 a", "-ERR wrong number of arguments for 'msetex' command"},
  });
}

// Redis 8.8's documentation.
TEST_P(MoreStrings, CountersStayWithinTheirBounds) {
  Run({
      {"INCREX n", "[:1, :1]"},
      {"INCREX n BYINT 5", "[:6, :5]"},
      {"INCREX n BYINT -10", "[:-4, :-10]"},
      {"SET n 50", "OK"},
      {"INCREX n BYINT 100 UBOUND 80", "[:50, :0]"},
      {"INCREX n BYINT 100 UBOUND 80 SATURATE", "[:80, :30]"},
      {"INCREX n BYINT 5 UBOUND 30", "[:80, :0]"},
      {"INCREX n BYINT 5 UBOUND 30 SATURATE", "[:30, :-50]"},
      {"INCREX n BYINT -100 LBOUND 0 SATURATE", "[:0, :-30]"},
      {"SET n 9223372036854775800", "OK"},
      {"INCREX n BYINT 9223372036854775800", "[:9223372036854775800, :0]"},
      {"INCREX n BYINT 1 SATURATE UBOUND -9223372036854775808",
       "-ERR applied increment would overflow"},
      {"INCREX n BYINT 9223372036854775800 SATURATE", "[:9223372036854775807, :7]"},
      {"INCREX new BYINT 5 LBOUND 10", "[:0, :0]"},
      {"EXISTS new", ":0"},
      {"INCREX new EX 100 ENX", "[:1, :1]"},
      {"TTL new", ":100"},
      {"INCREX new EX 500 ENX", "[:2, :1]"},
      {"TTL new", ":100"},
      {"INCREX new UBOUND 2 EX 500", "[:2, :0]"},
      {"TTL new", ":100"},
      {"INCREX new", "[:3, :1]"},
      {"TTL new", ":100"},
      {"INCREX new PERSIST", "[:4, :1]"},
      {"TTL new", ":-1"},
      {"SET f 1.5", "OK"},
      {"INCREX f", "-ERR value is not an integer or out of range"},
      {"INCREX f BYFLOAT inf", "-ERR BYFLOAT increment cannot be Infinity"},
      {"INCREX n ENX", "-ERR ENX flag requires an expiration"},
      {"INCREX n ENX PERSIST", "-ERR syntax error"},
      {"INCREX n PERSIST EX 1", "-ERR syntax error"},
      {"INCREX n EX 1 PX 1", "-ERR syntax error"},
      {"INCREX n BYINT 1 BYFLOAT 1", "-ERR syntax error"},
      {"INCREX n BYINT", "-ERR syntax error"},
      {"INCREX n bogus", "-ERR syntax error"},
      {"INCREX n BYINT x", "-ERR value is not an integer or out of range"},
      {"INCREX n BYFLOAT x", "-ERR value is not a valid float"},
      {"INCREX n UBOUND 12.5", "-ERR UBOUND is not an integer or out of range"},
      {"INCREX n BYFLOAT 1 LBOUND x", "-ERR LBOUND is not a valid float"},
      {"INCREX n LBOUND 10 UBOUND 5", "-ERR LBOUND can't be greater than UBOUND"},
      {"INCREX n EX 0", "-ERR invalid expire time in 'increx' command"},
  });
  Client client = Connect();
  const auto pair = [&](const std::string& value, const std::string& applied) {
    return resp() == 3 ? "[," + value + ", ," + applied + "]"
                       : "['" + value + "', '" + applied + "']";
  };
  EXPECT_EQ(client.Do("INCREX f BYFLOAT 0.25"), pair("1.75", "0.25"));
  EXPECT_EQ(client.Do("INCREX f BYFLOAT 100 UBOUND 42.5"), pair("1.75", "0"));
  EXPECT_EQ(client.Do("INCREX f BYFLOAT 100 UBOUND 42.5 SATURATE"), pair("42.5", "40.75"));
  EXPECT_EQ(client.Do("GET f"), "'42.5'");
}

}  // namespace
}  // namespace peal::tests
