// SORT and SORT_RO. Expected replies were observed on redis-server 7.0.15.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class Sort : public Behaviour {
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
INSTANTIATE_TEST_SUITE_P(, Sort, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(Sort, SortsNumbersAndWords) {
  Run({
      {"RPUSH l 3 1 2 10 -5 1.5", ":6"},
      {"SORT l", "['-5', '1', '1.5', '2', '3', '10']"},
      {"SORT l DESC", "['10', '3', '2', '1.5', '1', '-5']"},
      {"SORT l ALPHA", "['-5', '1', '1.5', '10', '2', '3']"},
      {"SORT l ALPHA DESC", "['3', '2', '10', '1.5', '1', '-5']"},
      {"SORT l LIMIT 1 2", "['1', '1.5']"},
      {"SORT l LIMIT 4 100", "['3', '10']"},
      {"SORT l LIMIT 6 1", "[]"},
      {"SORT l LIMIT -3 2", "['-5', '1']"},
      {"SORT l LIMIT 0 -1", "['-5', '1', '1.5', '2', '3', '10']"},
      {"SORT l LIMIT 0 0", "[]"},
      {"SORT l LIMIT 0 9223372036854775807", "['-5', '1', '1.5', '2', '3', '10']"},
      {"SORT l DESC LIMIT 0 2 ASC", "['-5', '1']"},
      {"SORT_RO l", "['-5', '1', '1.5', '2', '3', '10']"},
      {"SORT missing", "[]"},
      {"SORT_RO missing GET #", "[]"},
      {"SADD s 3 1 2", ":3"},
      {"SORT s DESC", "['3', '2', '1']"},
      {"ZADD z 1 c 2 b 3 a", ":3"},
      {"SORT z", "-ERR One or more scores can't be converted into double"},
      {"SORT z ALPHA", "['a', 'b', 'c']"},
      {"SORT z BY nosort", "['c', 'b', 'a']"},
      {"SORT z BY nosort DESC", "['a', 'b', 'c']"},
      {"SORT z BY nosort DESC LIMIT 1 1", "['b']"},
      {"SORT l BY nosort", "['3', '1', '2', '10', '-5', '1.5']"},
      {"SORT l BY nosort DESC", "['1.5', '-5', '10', '2', '1', '3']"},
      {"SORT l BY nosort LIMIT 1 2", "['1', '2']"},
      {"SORT l BY nosort DESC LIMIT 4 5", "['1', '3']"},
      {"RPUSH words b a c", ":3"},
      {"SORT words", "-ERR One or more scores can't be converted into double"},
      {"SORT words ALPHA", "['a', 'b', 'c']"},
      {"RPUSH odd 0x10 inf -inf 1e2", ":4"},
      {"SORT odd", "['-inf', '0x10', '1e2', 'inf']"},
      {"SORT odd LIMIT x 1", "-ERR value is not an integer or out of range"},
      {"SORT odd LIMIT 1 x", "-ERR value is not an integer or out of range"},
      {"SORT odd LIMIT 1", "-ERR syntax error"},
      {"SORT odd BY", "-ERR syntax error"},
      {"SORT odd bogus", "-ERR syntax error"},
      {"SORT_RO odd STORE d", "-ERR syntax error"},
      {"SORT", "-ERR wrong number of arguments for 'sort' command"},
      {"SET str x", "OK"},
      {"SORT str", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"SORT str bogus", "-ERR syntax error"},
  });
}

TEST_P(Sort, SortsByOtherKeys) {
  Run({
      {"RPUSH l 1 2 3 4", ":4"},
      {"MSET w_1 30 w_2 10 w_3 20 name_1 one name_2 two", "OK"},
      {"HSET o_1 w 5 n eins", ":2"},
      {"HSET o_2 w 7", ":1"},
      {"HSET o_3 w 6", ":1"},
      {"SORT l BY w_*", "['4', '2', '3', '1']"},
      {"SORT l BY w_* DESC", "['1', '3', '2', '4']"},
      {"SORT l BY w_* LIMIT 1 2", "['2', '3']"},
      {"SORT l BY o_*->w", "['4', '1', '3', '2']"},
      {"SORT l BY name_* ALPHA", "['3', '4', '1', '2']"},
      {"SORT l GET name_*", "['one', 'two', nil, nil]"},
      {"SORT l GET # GET name_* GET o_*->n GET o_*-> GET fixed",
       "['1', 'one', 'eins', nil, nil, '2', 'two', nil, nil, nil, '3', nil, nil, nil, nil, '4', "
       "nil, nil, nil, nil]"},
      {"SORT l BY nosort BY w_* DESC", "['4', '3', '2', '1']"},
      {"SORT l BY nosort GET w_*", "['30', '10', '20', nil]"},
      {"SORT_RO l BY w_* GET w_*", "[nil, '10', '20', '30']"},
      {"SORT l BY name_*", "-ERR One or more scores can't be converted into double"},
      {"SORT l BY l*", "['1', '2', '3', '4']"},
  });
}

TEST_P(Sort, StoresTheResult) {
  Run({
      {"RPUSH l 2 1 3", ":3"},
      {"SORT l STORE d", ":3"},
      {"LRANGE d 0 -1", "['1', '2', '3']"},
      {"TYPE d", "list"},
      {"SORT l STORE l DESC", ":3"},
      {"LRANGE l 0 -1", "['3', '2', '1']"},
      {"SET name_1 one", "OK"},
      {"SORT l GET name_* GET # STORE d", ":6"},
      {"LRANGE d 0 -1", "['one', '1', '', '2', '', '3']"},
      {"EXPIRE d 100", ":1"},
      {"SORT l LIMIT 0 1 STORE d", ":1"},
      {"TTL d", ":-1"},
      {"SORT missing STORE d", ":0"},
      {"EXISTS d", ":0"},
      {"SORT l STORE a STORE b", ":3"},
      {"EXISTS a", ":0"},
      {"LRANGE b 0 -1", "['1', '2', '3']"},
      {"SORT l BY store STORE c", ":3"},
      {"LRANGE c 0 -1", "['3', '2', '1']"},
      {"SADD s b a c", ":3"},
      {"SORT s BY nosort STORE d", ":3"},
      {"LRANGE d 0 -1", "['a', 'b', 'c']"},
      {"SORT s STORE d", "-ERR One or more scores can't be converted into double"},
      {"LRANGE d 0 -1", "['a', 'b', 'c']"},
      {"SORT l STORE", "-ERR syntax error"},
      {"COMMAND GETKEYS SORT l BY store STORE c", "['l', 'c']"},
      {"COMMAND GETKEYS SORT_RO l BY w_*", "['l']"},
  });
}

TEST_P(Sort, FindsItsKeysInsideATransaction) {
  Run({
      {"RPUSH l 1 2", ":2"},
      {"MSET w_1 2 w_2 1", "OK"},
      {"MULTI", "OK"},
      {"SORT l BY w_* STORE d", "QUEUED"},
      {"SORT_RO d BY nosort", "QUEUED"},
      {"SORT l STORE e", "QUEUED"},
      {"EXEC", "[:2, ['2', '1'], :2]"},
      {"LRANGE e 0 -1", "['1', '2']"},
  });
}

TEST_P(Sort, EqualWeightsOfASetHaveOneOrder) {
  // Redis leaves it to the layout of its table.
  Run({
      {"SADD s c a b", ":3"},
      {"MSET w_a x w_b x w_c x", "OK"},
      {"SORT s BY w_* ALPHA", "['a', 'b', 'c']"},
      {"SORT s BY w_* ALPHA DESC", "['c', 'b', 'a']"},
  });
}

}  // namespace
}  // namespace peal::tests
