// The HyperLogLog commands. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class HyperLogLogs : public Behaviour {
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
INSTANTIATE_TEST_SUITE_P(, HyperLogLogs, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(HyperLogLogs, PfAddAndCount) {
  Run({
      {"PFADD h a b c", ":1"},
      {"PFADD h a", ":0"},
      {"PFADD h", ":0"},
      {"PFADD new", ":1"},
      {"PFADD new", ":0"},
      {"PFCOUNT new", ":0"},
      {"PFCOUNT h", ":3"},
      {"PFCOUNT h", ":3"},
      {"PFCOUNT missing", ":0"},
      {"PFADD g c d e", ":1"},
      {"PFCOUNT h g missing", ":5"},
      {"PFMERGE all h g", "OK"},
      {"PFCOUNT all", ":5"},
      {"PFMERGE all", "OK"},
      {"PFMERGE fresh", "OK"},
      {"PFCOUNT fresh", ":0"},
      {"STRLEN fresh", ":18"},
      {"PFDEBUG ENCODING all", "sparse"},
      {"PFDEBUG DECODE all",
       "'Z:7292 v:1,1 Z:1143 v:1,1 Z:4274 v:2,1 Z:2445 v:1,1 Z:622 v:1,1 Z:603'"},
      {"PFDEBUG TODENSE all", ":1"},
      {"PFDEBUG TODENSE all", ":0"},
      {"PFDEBUG ENCODING all", "dense"},
      {"PFDEBUG DECODE all", "-ERR HLL encoding is not sparse"},
      {"STRLEN all", ":12304"},
      {"PFCOUNT all", ":5"},
      {"PFADD all f", ":1"},
      {"PFCOUNT all", ":6"},
      {"PFMERGE h all", "OK"},
      {"PFDEBUG ENCODING h", "dense"},
      {"EXPIRE h 100", ":1"},
      {"PFADD h 1 2 3 4 5 6", ":1"},
      {"TTL h", ":100"},
  });
}

TEST_P(HyperLogLogs, WhatIsNoHyperLogLogIsRefused) {
  Run({
      {"SET s text", "OK"},
      {"PFADD s a", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFCOUNT s", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFCOUNT missing s", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFMERGE d s", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFMERGE s d", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFDEBUG ENCODING s", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFDEBUG ENCODING missing", "-ERR The specified key does not exist"},
      {"SET n 12", "OK"},
      {"PFCOUNT n", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"PFADD h a", ":1"},
      {"PFDEBUG bogus h", "-ERR Unknown PFDEBUG subcommand 'bogus'"},
      {"SETRANGE h 0 hyll", ":21"},
      {"PFCOUNT h", "-WRONGTYPE Key is not a valid HyperLogLog string value."},
      {"SETRANGE h 0 HYLL", ":21"},
      {"PFCOUNT h", ":1"},
      {"APPEND h x", ":22"},
      {"PFCOUNT h", ":1"},
      {"PFADD h b", ":1"},
      {"PFCOUNT h", "-INVALIDOBJ Corrupted HLL object detected"},
      {"PFCOUNT h h", "-INVALIDOBJ Corrupted HLL object detected"},
      {"PFMERGE d h", "-INVALIDOBJ Corrupted HLL object detected"},
      {"PFDEBUG GETREG h", "-INVALIDOBJ Corrupted HLL object detected"},
      {"PFDEBUG TODENSE h", "-INVALIDOBJ Corrupted HLL object detected"},
      {"PFADD", "-ERR wrong number of arguments for 'pfadd' command"},
  });
}

TEST_P(HyperLogLogs, SelfTestPasses) { Run({{"PFSELFTEST", "OK"}}); }

TEST_P(HyperLogLogs, HoldTheOctetsOfRedis) {
  Client client = Connect();
  client.Call({"PFADD", "k", "a", "hello world", ""});
  const std::string_view expected(
      "HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\127\061\204\115\203\214\114\356\204\116\127", 27);
  EXPECT_EQ(client.Call({"GET", "k"}).text, expected);
  EXPECT_EQ(client.Do("PFCOUNT k"), ":3");
  EXPECT_EQ(client.Call({"GET", "k"}).text.substr(8, 8), std::string_view("\x03\0\0\0\0\0\0\0", 8));
}

}  // namespace
}  // namespace peal::tests
