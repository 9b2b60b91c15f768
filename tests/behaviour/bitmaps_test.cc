// The bit commands. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Bitmaps : public Behaviour {
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
INSTANTIATE_TEST_SUITE_P(, Bitmaps, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Bitmaps, SetBitGrowsTheString) {
  Run({
      {"SETBIT k 7 1", ":0"},
      {"SETBIT k 7 1", ":1"},
      {"GET k", "'\\x01'"},
      {"GETBIT k 7", ":1"},
      {"GETBIT k 6", ":0"},
      {"GETBIT k 100", ":0"},
      {"GETBIT missing 0", ":0"},
      {"SETBIT k 7 0", ":1"},
      {"STRLEN k", ":1"},
      {"SETBIT k 100 0", ":0"},
      {"STRLEN k", ":13"},
      {"SETBIT k 4294967296 1", "-ERR bit offset is not an integer or out of range"},
      {"SETBIT k -1 1", "-ERR bit offset is not an integer or out of range"},
      {"SETBIT k x 1", "-ERR bit offset is not an integer or out of range"},
      {"SETBIT k 0 2", "-ERR bit is not an integer or out of range"},
      {"SETBIT k 0 x", "-ERR bit is not an integer or out of range"},
      {"GETBIT k -1", "-ERR bit offset is not an integer or out of range"},
      {"GETBIT k 4294967296", "-ERR bit offset is not an integer or out of range"},
      {"GETBIT k #1", "-ERR bit offset is not an integer or out of range"},
      {"SET n 10", "OK"},
      {"SETBIT n 7 1", ":1"},
      {"GET n", "'10'"},
      {"SETBIT n 0 0", ":0"},
      {"GET n", "'10'"},
      {"EXPIRE n 100", ":1"},
      {"SETBIT n 1 1", ":0"},
      {"TTL n", ":100"},
  });
}

TEST_P(Bitmaps, BitCountKnowsBytesAndBits) {
  Run({
      {"SET k foobar", "OK"},
      {"BITCOUNT k", ":26"},
      {"BITCOUNT k 0 0", ":4"},
      {"BITCOUNT k 1 1", ":6"},
      {"BITCOUNT k 0 -1", ":26"},
      {"BITCOUNT k 1 1 BYTE", ":6"},
      {"BITCOUNT k 5 30 BIT", ":17"},
      {"BITCOUNT k -2 -1", ":7"},
      {"BITCOUNT k -100 1", ":10"},
      {"BITCOUNT k 4 100", ":7"},
      {"BITCOUNT k 3 2", ":0"},
      {"BITCOUNT k -1 -2", ":0"},
      {"BITCOUNT k 0 -1 bits", "-ERR syntax error"},
      {"BITCOUNT k 0", "-ERR syntax error"},
      {"BITCOUNT k x 1", "-ERR value is not an integer or out of range"},
      {"BITCOUNT missing", ":0"},
      {"BITCOUNT missing 0", ":0"},
      {"BITCOUNT k -9223372036854775808 9223372036854775807 BIT", ":26"},
      {"SET n 1234", "OK"},
      {"BITCOUNT n", ":13"},
  });
}

TEST_P(Bitmaps, BitPosFindsTheFirst) {
  Run({
      {"SETRANGE k 1 @", ":2"},
      {"BITPOS k 1", ":9"},
      {"BITPOS k 0", ":0"},
      {"BITPOS k 1 1", ":9"},
      {"BITPOS k 1 2", ":-1"},
      {"BITPOS k 1 0 0", ":-1"},
      {"BITPOS k 1 -1 -1", ":9"},
      {"BITPOS k 1 5 9 BIT", ":9"},
      {"BITPOS k 1 5 8 BIT", ":-1"},
      {"BITPOS k 0 9 9 BIT", ":-1"},
      {"BITPOS k 2", "-ERR The bit argument must be 1 or 0."},
      {"BITPOS k x", "-ERR value is not an integer or out of range"},
      {"BITPOS k 1 x", "-ERR value is not an integer or out of range"},
      {"BITPOS k 1 0 x", "-ERR value is not an integer or out of range"},
      {"BITPOS k 1 0 1 bits", "-ERR syntax error"},
      {"BITPOS k 1 0 1 BIT x", "-ERR syntax error"},
      {"BITPOS missing 0", ":0"},
      {"BITPOS missing 1", ":-1"},
      {"BITPOS missing 0 x", ":0"},
      {"BITFIELD full SET u16 0 65535", "[:0]"},
      {"BITPOS full 0", ":16"},
      {"BITPOS full 0 0 -1", ":-1"},
      {"BITPOS full 0 1", ":16"},
      {"BITPOS full 0 5", ":-1"},
  });
}

TEST_P(Bitmaps, BitOpCombines) {
  Run({
      {"SET a abc", "OK"},
      {"SET b AB", "OK"},
      {"BITOP AND d a b", ":3"},
      {"BITOP OR d a b", ":3"},
      {"GET d", "'abc'"},
      {"BITOP XOR d a b", ":3"},
      {"STRLEN d", ":3"},
      {"BITOP XOR d a a", ":3"},
      {"STRLEN d", ":3"},
      {"BITCOUNT d", ":0"},
      {"BITOP NOT d a", ":3"},
      {"BITCOUNT d", ":14"},
      {"BITOP NOT d a b", "-ERR BITOP NOT must be called with a single source key."},
      {"BITOP OR a a missing", ":3"},
      {"GET a", "'abc'"},
      {"BITOP OR d missing", ":0"},
      {"EXISTS d", ":0"},
      {"BITOP NAND d a b", "-ERR syntax error"},
      {"BITOP AND d", "-ERR wrong number of arguments for 'bitop' command"},
      {"EXPIRE b 100", ":1"},
      {"BITOP OR b a", ":3"},
      {"TTL b", ":-1"},
  });
}

TEST_P(Bitmaps, BitFieldCountsInAnyWidth) {
  Run({
      {"BITFIELD k", "[]"},
      {"EXISTS k", ":0"},
      {"BITFIELD k GET u8 0", "[:0]"},
      {"EXISTS k", ":0"},
      {"BITFIELD k SET u8 0 255 GET u4 2 INCRBY u8 0 10 GET i8 0", "[:0, :15, :9, :9]"},
      {"BITFIELD k SET i8 #1 -1 GET u8 #1 GET i8 8 GET u16 0", "[:0, :255, :-1, :2559]"},
      {"BITFIELD k OVERFLOW SAT INCRBY u8 8 1 INCRBY i8 8 -200", "[:255, :-128]"},
      {"BITFIELD k OVERFLOW FAIL INCRBY u8 8 200 SET u4 0 16 OVERFLOW WRAP INCRBY u8 8 200",
       "[nil, nil, :72]"},
      {"BITFIELD k SET i64 0 -9223372036854775808 INCRBY i64 0 -1 OVERFLOW SAT INCRBY i64 0 5",
       "[:668784544664518656, :9223372036854775807, :9223372036854775807]"},
      {"BITFIELD k SET u63 1 -1 GET u63 1 GET i64 0",
       "[:9223372036854775807, :9223372036854775807, :9223372036854775807]"},
      {"BITFIELD k GET u64 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
       "i64 is."},
      {"BITFIELD k GET i65 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
       "i64 is."},
      {"BITFIELD k GET u0 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
       "i64 is."},
      {"BITFIELD k GET x8 0",
       "-ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but "
       "i64 is."},
      {"BITFIELD k GET u8 -1", "-ERR bit offset is not an integer or out of range"},
      {"BITFIELD k GET u8 #x", "-ERR bit offset is not an integer or out of range"},
      {"BITFIELD k GET u8 4294967296", "-ERR bit offset is not an integer or out of range"},
      {"BITFIELD k SET u8 0 x", "-ERR value is not an integer or out of range"},
      {"BITFIELD k GET u8", "-ERR syntax error"},
      {"BITFIELD k bogus", "-ERR syntax error"},
      {"BITFIELD k OVERFLOW bogus", "-ERR Invalid OVERFLOW type specified"},
      {"BITFIELD fail OVERFLOW FAIL SET u8 0 256", "[nil]"},
      {"STRLEN fail", ":1"},
      {"BITFIELD_RO k GET u8 0 GET u8 8", "[:127, :255]"},
      {"BITFIELD_RO k SET u8 0 1", "-ERR BITFIELD_RO only supports the GET subcommand"},
      {"BITFIELD_RO missing GET u8 0", "[:0]"},
  });
}

TEST_P(Bitmaps, BitOpKnowsTheOperationsOfRedis8) {
  // From Redis 8.2's documentation.
  Run({
      {"SET x abd", "OK"},
      {"SET y ab`", "OK"},
      {"SET z b", "OK"},
      {"BITOP DIFF d x y z", ":3"},
      {"BITFIELD d GET u24 0", "[:4]"},
      {"BITOP DIFF1 d x y z", ":3"},
      {"BITFIELD d GET u24 0", "[:131072]"},
      {"BITOP ANDOR d x y z", ":3"},
      {"GET d", "'ab`'"},
      {"BITOP ONE d x y z", ":3"},
      {"BITFIELD d GET u24 0", "[:131076]"},
      {"BITOP ONE d x", ":3"},
      {"GET d", "'abd'"},
      {"BITOP DIFF d x", "-ERR BITOP DIFF must be called with multiple source keys."},
      {"BITOP diff1 d x", "-ERR BITOP DIFF1 must be called with multiple source keys."},
      {"BITOP ANDOR d x", "-ERR BITOP ANDOR must be called with multiple source keys."},
  });
}

TEST_P(Bitmaps, LargeOnesChangeInPlace) {
  Client client = Connect();
  ASSERT_EQ(client.Do("SETBIT k 79999999 1"), ":0");
  // Were the ten megabytes copied each time, this would take minutes.
  for (int i = 0; i < 20'000; ++i) {
    client.Send("SETBIT k " + std::to_string(i * 3000) + " 1\r\n");
    if (i % 1000 != 999) continue;
    for (int k = 0; k < 1000; ++k) ASSERT_EQ(client.Read().Show(), ":0");
  }
  EXPECT_EQ(client.Do("BITCOUNT k"), ":20001");
  EXPECT_EQ(client.Do("BITPOS k 1 1"), ":3000");
  EXPECT_EQ(client.Do("BITPOS k 1 -1"), ":79999999");
  EXPECT_EQ(client.Do("STRLEN k"), ":10000000");
}

TEST_P(Bitmaps, RepliesUnderwayKeepTheOldBytes) {
  Client client = Connect();
  const std::string before(100'000, 'a');
  ASSERT_EQ(client.Call({"SET", "k", before}).Show(), "OK");
  for (int i = 0; i < 50; ++i) {
    client.Send("GET k\r\n");
    client.Send("SETBIT k " + std::to_string(i * 8 + 7) + " 0\r\n");
  }
  std::string expected = before;
  for (size_t i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.Read().text == expected) << i;
    ASSERT_EQ(client.Read().Show(), ":1");
    expected[i] = '`';
  }
}

}  // namespace
}  // namespace peal::tests
