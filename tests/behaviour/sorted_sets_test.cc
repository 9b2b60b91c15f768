// The sorted set commands. Expected replies were observed on redis-server 7.0.15; WITHSCORE is of
// 7.2.

#include "tests/support/behaviour.h"

namespace peal::tests {
namespace {

class SortedSets : public Behaviour {
 protected:
  struct Step {
    const char* command;
    const char* reply;
    const char* resp3_reply = nullptr;  // where it differs
  };
  void Run(const std::vector<Step>& steps) {
    Client client = Connect();
    for (const Step& step : steps) {
      const bool differs = resp() == 3 && step.resp3_reply != nullptr;
      EXPECT_EQ(client.Do(step.command), differs ? step.resp3_reply : step.reply) << step.command;
    }
  }
  /// Waits until `count` clients are blocked.
  bool BlockedAre(int64_t count) {
    return Eventually([&] { return InfoNumber("blocked_clients") == count; });
  }
};
INSTANTIATE_TEST_SUITE_P(, SortedSets, ::testing::ValuesIn(AllSetups()), SetupName);

TEST_P(SortedSets, AddHonoursEveryOption) {
  Run({
      {"ZADD z 1 a 2 b", ":2"},
      {"ZADD z 1 a 3 c 5 b", ":1"},
      {"ZADD z CH 2 a 3 c 6 d", ":2"},
      {"ZADD z NX 9 a 9 e", ":1"},
      {"ZADD z XX CH 8 a 8 f", ":1"},
      {"ZADD z GT CH 7 a 9 b", ":1"},
      {"ZADD z LT CH 7 a 10 b", ":1"},
      {"ZADD z GT 1 new", ":1"},
      {"ZADD z INCR 1.5 a", "'8.5'", ",8.5"},
      {"ZADD z NX INCR 1 a", "nil"},
      {"ZADD z XX INCR 1 missing", "nil"},
      {"ZADD z GT INCR -1 a", "nil"},
      {"ZADD z LT INCR 1 a", "nil"},
      {"ZADD z NX XX 1 a", "-ERR XX and NX options at the same time are not compatible"},
      {"ZADD z NX GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
      {"ZADD z LT GT 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
      {"ZADD z LT NX 1 a", "-ERR GT, LT, and/or NX options at the same time are not compatible"},
      {"ZADD z INCR 1 a 2 b", "-ERR INCR option supports a single increment-element pair"},
      {"ZADD z 1", "-ERR wrong number of arguments for 'zadd' command"},
      {"ZADD z 1 a 2", "-ERR syntax error"},
      {"ZADD z NX", "-ERR wrong number of arguments for 'zadd' command"},
      {"ZADD z x a", "-ERR value is not a valid float"},
      {"ZADD z 1 a nan b", "-ERR value is not a valid float"},
      {"ZADD z nan a", "-ERR value is not a valid float"},
      {"ZADD missing XX 1 a", ":0"},
      {"EXISTS missing", ":0"},
      {"ZADD z inf top", ":1"},
      {"ZADD z INCR -inf top", "-ERR resulting score is not a number (NaN)"},
      {"ZADD z +inf top -inf bottom", ":1"},
      {"ZSCORE z top", "'inf'", ",inf"},
      {"ZSCORE z bottom", "'-inf'", ",-inf"},
      {"ZRANGE z 0 -1 WITHSCORES",
       "['bottom', '-inf', 'new', '1', 'c', '3', 'd', '6', 'a', '8.5', 'b', '9', 'e', '9', 'top', "
       "'inf']",
       "[['bottom', ,-inf], ['new', ,1], ['c', ,3], ['d', ,6], ['a', ,8.5], ['b', ,9], ['e', ,9], "
       "['top', ,inf]]"},
      {"SET s v", "OK"},
      {"ZADD s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZADD s x a", "-ERR value is not a valid float"},
      {"ZINCRBY s 1 a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, IncrementsAndRemovals) {
  Run({
      {"ZINCRBY z 5 a", "'5'", ",5"},
      {"ZINCRBY z -2.5 a", "'2.5'", ",2.5"},
      {"ZINCRBY z x a", "-ERR value is not a valid float"},
      {"ZINCRBY z nan a", "-ERR value is not a valid float"},
      {"ZINCRBY z 1e308 a", "'1e+308'", ",1e+308"},
      {"ZINCRBY z 1e308 a", "'inf'", ",inf"},
      {"ZINCRBY z 1e308 a", "'inf'", ",inf"},
      {"ZADD z 1 b 2 c", ":2"},
      {"ZREM z a nothing a", ":1"},
      {"ZREM z b c d", ":2"},
      {"EXISTS z", ":0"},
      {"ZREM z a", ":0"},
      {"SET s v", "OK"},
      {"ZREM s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, LooksAtSingleMembers) {
  Run({
      {"ZADD z 1 one 2 two 3 three 10 10", ":4"},
      {"ZCARD z", ":4"},
      {"ZCARD missing", ":0"},
      {"ZSCORE z 10", "'10'", ",10"},
      {"ZSCORE z missing", "nil"},
      {"ZSCORE missing a", "nil"},
      {"ZMSCORE z one missing 10", "['1', nil, '10']", "[,1, nil, ,10]"},
      {"ZMSCORE missing a b", "[nil, nil]"},
      {"ZRANK z one", ":0"},
      {"ZRANK z 10", ":3"},
      {"ZRANK z missing", "nil"},
      {"ZRANK missing a", "nil"},
      {"ZREVRANK z one", ":3"},
      {"ZREVRANK z 10", ":0"},
      {"SET s v", "OK"},
      {"ZCARD s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZSCORE s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZMSCORE s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZRANK s a", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"TYPE z", "zset"},
  });
}

TEST_P(SortedSets, RangesByRank) {
  Run({
      {"ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"},
      {"ZRANGE z 0 -1", "['a', 'b', 'c', 'd', 'e']"},
      {"ZRANGE z 1 2 WITHSCORES", "['b', '2', 'c', '3']", "[['b', ,2], ['c', ,3]]"},
      {"ZRANGE z -2 -1", "['d', 'e']"},
      {"ZRANGE z 3 100", "['d', 'e']"},
      {"ZRANGE z 4 3", "[]"},
      {"ZRANGE z -100 0", "['a']"},
      {"ZRANGE z 0 -100", "[]"},
      {"ZRANGE z 0 1 REV WITHSCORES", "['e', '5', 'd', '4']", "[['e', ,5], ['d', ,4]]"},
      {"ZREVRANGE z 0 1", "['e', 'd']"},
      {"ZREVRANGE z -1 -1 WITHSCORES", "['a', '1']", "[['a', ,1]]"},
      {"ZRANGE z x 1", "-ERR value is not an integer or out of range"},
      {"ZRANGE z 0 1 LIMIT 0 1",
       "-ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"},
      {"ZRANGE z 0 1 LIMIT 0 -1", "['a', 'b']"},
      {"ZRANGE z 0 1 bogus", "-ERR syntax error"},
      {"ZRANGE z 9223372036854775807 -9223372036854775808", "[]"},
      {"ZRANGE missing 0 -1", "[]"},
      {"SET s v", "OK"},
      {"ZRANGE s 0 -1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZRANGE s x -1", "-ERR value is not an integer or out of range"},
  });
}

TEST_P(SortedSets, RangesByScore) {
  Run({
      {"ZADD z 1 a 2 b 2 c 3 d inf e", ":5"},
      {"ZRANGE z 1 2 BYSCORE", "['a', 'b', 'c']"},
      {"ZRANGE z (1 2 BYSCORE WITHSCORES", "['b', '2', 'c', '2']", "[['b', ,2], ['c', ,2]]"},
      {"ZRANGE z 2 (2 BYSCORE", "[]"},
      {"ZRANGE z -inf +inf BYSCORE LIMIT 1 2", "['b', 'c']"},
      {"ZRANGE z -inf +inf BYSCORE LIMIT 1 -1", "['b', 'c', 'd', 'e']"},
      {"ZRANGE z -inf +inf BYSCORE LIMIT -1 2", "[]"},
      {"ZRANGE z -inf +inf BYSCORE LIMIT 1 0", "[]"},
      {"ZRANGE z +inf (1 BYSCORE REV LIMIT 1 2 WITHSCORES", "['d', '3', 'c', '2']",
       "[['d', ,3], ['c', ,2]]"},
      {"ZRANGEBYSCORE z 2 inf WITHSCORES LIMIT 0 2", "['b', '2', 'c', '2']",
       "[['b', ,2], ['c', ,2]]"},
      {"ZREVRANGEBYSCORE z inf 2 LIMIT 0 2", "['e', 'd']"},
      {"ZRANGEBYSCORE z 3 1", "[]"},
      {"ZRANGEBYSCORE z x 1", "-ERR min or max is not a float"},
      {"ZRANGEBYSCORE z nan 1", "-ERR min or max is not a float"},
      {"ZRANGEBYSCORE z 1 2 LIMIT 1", "-ERR syntax error"},
      {"ZRANGEBYSCORE z 1 2 LIMIT x 1", "-ERR value is not an integer or out of range"},
      {"ZRANGEBYSCORE z 1 2 BYSCORE", "-ERR syntax error"},
      {"ZREVRANGEBYSCORE z 1 2 REV", "-ERR syntax error"},
      {"ZCOUNT z 2 3", ":3"},
      {"ZCOUNT z (2 +inf", ":2"},
      {"ZCOUNT z x 1", "-ERR min or max is not a float"},
      {"ZCOUNT missing 1 2", ":0"},
  });
}

TEST_P(SortedSets, RangesByOctets) {
  Run({
      {"ZADD z 0 a 0 b 0 bb 0 c 0 d", ":5"},
      {"ZRANGE z - + BYLEX", "['a', 'b', 'bb', 'c', 'd']"},
      {"ZRANGE z [b (c BYLEX", "['b', 'bb']"},
      {"ZRANGE z (b + BYLEX LIMIT 1 2", "['c', 'd']"},
      {"ZRANGE z + [b BYLEX REV LIMIT 0 2", "['d', 'c']"},
      {"ZRANGE z - + BYLEX WITHSCORES",
       "-ERR syntax error, WITHSCORES not supported in combination with BYLEX"},
      {"ZRANGEBYLEX z - [b", "['a', 'b']"},
      {"ZREVRANGEBYLEX z [bb -", "['bb', 'b', 'a']"},
      {"ZRANGEBYLEX z [c [b", "[]"},
      {"ZRANGEBYLEX z + -", "[]"},
      {"ZRANGEBYLEX z b c", "-ERR min or max not valid string range item"},
      {"ZRANGEBYLEX z [b \"\"", "-ERR min or max not valid string range item"},
      {"ZLEXCOUNT z - +", ":5"},
      {"ZLEXCOUNT z (a [bb", ":2"},
      {"ZLEXCOUNT z a b", "-ERR min or max not valid string range item"},
      {"ZREMRANGEBYLEX z (a (c", ":2"},
      {"ZRANGE z 0 -1", "['a', 'c', 'd']"},
  });
}

TEST_P(SortedSets, RangesCanBeRemoved) {
  Run({
      {"ZADD z 1 a 2 b 3 c 4 d 5 e", ":5"},
      {"ZREMRANGEBYRANK z 0 0", ":1"},
      {"ZREMRANGEBYRANK z -1 -1", ":1"},
      {"ZREMRANGEBYRANK z 5 6", ":0"},
      {"ZREMRANGEBYRANK z x 6", "-ERR value is not an integer or out of range"},
      {"ZREMRANGEBYSCORE z (2 3", ":1"},
      {"ZREMRANGEBYSCORE z x 3", "-ERR min or max is not a float"},
      {"ZREMRANGEBYLEX z x 3", "-ERR min or max not valid string range item"},
      {"ZRANGE z 0 -1 WITHSCORES", "['b', '2', 'd', '4']", "[['b', ,2], ['d', ,4]]"},
      {"ZREMRANGEBYSCORE z -inf inf", ":2"},
      {"EXISTS z", ":0"},
      {"ZREMRANGEBYRANK z 0 -1", ":0"},
      {"SET s v", "OK"},
      {"ZREMRANGEBYRANK s 0 -1",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, RangesCanBeStored) {
  Run({
      {"ZADD z 1 a 2 b 3 c 4 d", ":4"},
      {"ZRANGESTORE t z 1 2", ":2"},
      {"ZRANGE t 0 -1 WITHSCORES", "['b', '2', 'c', '3']", "[['b', ,2], ['c', ,3]]"},
      {"ZRANGESTORE t z (1 3 BYSCORE LIMIT 1 5", ":1"},
      {"ZRANGE t 0 -1", "['c']"},
      {"ZRANGESTORE t z + - BYLEX REV LIMIT 0 1", ":1"},
      {"ZRANGE t 0 -1", "['d']"},
      {"ZRANGESTORE t z 0 1 WITHSCORES", "-ERR syntax error"},
      {"ZRANGESTORE t z 7 8", ":0"},
      {"EXISTS t", ":0"},
      {"ZRANGESTORE z z 0 1", ":2"},
      {"ZRANGE z 0 -1", "['a', 'b']"},
      {"ZRANGESTORE z missing 0 1", ":0"},
      {"EXISTS z", ":0"},
      {"SET s v", "OK"},
      {"ZRANGESTORE t s 0 1", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZADD z 1 a", ":1"},
      {"ZRANGESTORE s z 0 1", ":1"},
      {"TYPE s", "zset"},
  });
}

TEST_P(SortedSets, PopsFromEitherEnd) {
  Run({
      {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", ":6"},
      {"ZPOPMIN z", "['a', '1']", "['a', ,1]"},
      {"ZPOPMAX z", "['f', '6']", "['f', ,6]"},
      {"ZPOPMIN z 2", "['b', '2', 'c', '3']", "[['b', ,2], ['c', ,3]]"},
      {"ZPOPMAX z 1", "['e', '5']", "[['e', ,5]]"},
      {"ZPOPMIN z 0", "[]"},
      {"ZPOPMIN z -1", "-ERR value is out of range, must be positive"},
      {"ZPOPMIN z x", "-ERR value is out of range, must be positive"},
      {"ZPOPMIN z 1 2", "-ERR syntax error"},
      {"ZPOPMIN z 9223372036854775807", "['d', '4']", "[['d', ,4]]"},
      {"EXISTS z", ":0"},
      {"ZPOPMIN z", "[]"},
      {"ZPOPMIN z 2", "[]"},
      {"ZADD y 1 a 2 b 3 c", ":3"},
      {"ZMPOP 2 z y MIN", "['y', [['a', '1']]]", "['y', [['a', ,1]]]"},
      {"ZMPOP 2 z y MAX COUNT 5", "['y', [['c', '3'], ['b', '2']]]",
       "['y', [['c', ,3], ['b', ,2]]]"},
      {"ZMPOP 2 z y MAX", "nil"},
      {"ZMPOP 0 z MIN", "-ERR numkeys should be greater than 0"},
      {"ZMPOP x z MIN", "-ERR numkeys should be greater than 0"},
      {"ZMPOP 1 z", "-ERR wrong number of arguments for 'zmpop' command"},
      {"ZMPOP 5 z MIN", "-ERR syntax error"},
      {"ZMPOP 9223372036854775807 z MIN", "-ERR syntax error"},
      {"ZMPOP 1 z BOTH", "-ERR syntax error"},
      {"ZMPOP 1 z MIN COUNT 0", "-ERR count should be greater than 0"},
      {"ZMPOP 1 z MIN COUNT", "-ERR syntax error"},
      {"ZMPOP 1 z MIN COUNT 1 COUNT 1", "-ERR syntax error"},
      {"SET s v", "OK"},
      {"ZMPOP 2 z s MIN", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZPOPMIN s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, BlockingPopsReplyAtOnceIfTheyCan) {
  Run({
      {"ZADD z 1 a 2 b 3 c 4 d", ":4"},
      {"BZPOPMIN missing z 1", "['z', 'a', '1']", "['z', 'a', ,1]"},
      {"BZPOPMAX z 0", "['z', 'd', '4']", "['z', 'd', ,4]"},
      {"BZMPOP 0 2 missing z MAX COUNT 5", "['z', [['c', '3'], ['b', '2']]]",
       "['z', [['c', ,3], ['b', ,2]]]"},
      {"BZPOPMIN z 0.01", "nil"},
      {"BZMPOP 0.01 1 z MIN", "nil"},
      {"BZPOPMIN z -1", "-ERR timeout is negative"},
      {"BZPOPMIN z x", "-ERR timeout is not a float or out of range"},
      {"BZMPOP -1 1 z MIN", "-ERR timeout is negative"},
      {"BZMPOP 1 0 z MIN", "-ERR numkeys should be greater than 0"},
      {"BZMPOP 1 1 z x", "-ERR syntax error"},
      {"SET s v", "OK"},
      {"BZPOPMIN missing s 0",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"BZMPOP 0 2 missing s MIN",
       "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, UnionsIntersectionsAndDifferences) {
  Run({
      {"ZADD x 1 a 2 b 3 c", ":3"},
      {"ZADD y 10 b 20 c 30 d", ":3"},
      {"ZUNION 2 x y", "['a', 'b', 'c', 'd']"},
      {"ZUNION 2 x y WITHSCORES", "['a', '1', 'b', '12', 'c', '23', 'd', '30']",
       "[['a', ,1], ['b', ,12], ['c', ,23], ['d', ,30]]"},
      {"ZUNION 3 x y missing WEIGHTS 2 0.5 1 WITHSCORES",
       "['a', '2', 'b', '9', 'd', '15', 'c', '16']",
       "[['a', ,2], ['b', ,9], ['d', ,15], ['c', ,16]]"},
      {"ZUNION 2 x y AGGREGATE MAX WITHSCORES", "['a', '1', 'b', '10', 'c', '20', 'd', '30']",
       "[['a', ,1], ['b', ,10], ['c', ,20], ['d', ,30]]"},
      {"ZUNION 2 x y AGGREGATE MIN WEIGHTS -1 -1 WITHSCORES",
       "['d', '-30', 'c', '-20', 'b', '-10', 'a', '-1']",
       "[['d', ,-30], ['c', ,-20], ['b', ,-10], ['a', ,-1]]"},
      {"ZINTER 2 x y WITHSCORES", "['b', '12', 'c', '23']", "[['b', ,12], ['c', ,23]]"},
      {"ZINTER 2 x x WITHSCORES", "['a', '2', 'b', '4', 'c', '6']",
       "[['a', ,2], ['b', ,4], ['c', ,6]]"},
      {"ZINTER 2 x missing", "[]"},
      {"ZDIFF 2 x y", "['a']"},
      {"ZDIFF 2 y x WITHSCORES", "['d', '30']", "[['d', ,30]]"},
      {"ZDIFF 2 x x", "[]"},
      {"ZINTERCARD 2 x y", ":2"},
      {"ZINTERCARD 2 x y LIMIT 1", ":1"},
      {"ZINTERCARD 2 x y LIMIT 0", ":2"},
      {"ZUNIONSTORE t 2 x y", ":4"},
      {"ZRANGE t 0 -1 WITHSCORES", "['a', '1', 'b', '12', 'c', '23', 'd', '30']",
       "[['a', ,1], ['b', ,12], ['c', ,23], ['d', ,30]]"},
      {"ZINTERSTORE t 2 x y WEIGHTS 1 0", ":2"},
      {"ZRANGE t 0 -1 WITHSCORES", "['b', '2', 'c', '3']", "[['b', ,2], ['c', ,3]]"},
      {"ZDIFFSTORE t 2 x y", ":1"},
      {"ZRANGE t 0 -1 WITHSCORES", "['a', '1']", "[['a', ,1]]"},
      {"ZDIFFSTORE t 2 x x", ":0"},
      {"EXISTS t", ":0"},
      {"ZADD i inf a", ":1"},
      {"ZADD j -inf a", ":1"},
      {"ZUNION 2 i j WITHSCORES", "['a', '0']", "[['a', ,0]]"},
      {"ZUNION 1 i WEIGHTS 0 WITHSCORES", "['a', '0']", "[['a', ,0]]"},
      {"ZUNION 0 x", "-ERR at least 1 input key is needed for 'zunion' command"},
      {"ZUNION x x", "-ERR value is not an integer or out of range"},
      {"ZUNION 3 x y", "-ERR syntax error"},
      {"ZUNION 2 x y WEIGHTS 1", "-ERR syntax error"},
      {"ZUNION 2 x y WEIGHTS 1 x", "-ERR weight value is not a float"},
      {"ZUNION 2 x y AGGREGATE AVG", "-ERR syntax error"},
      {"ZUNION 2 x y BOGUS", "-ERR syntax error"},
      {"ZDIFF 2 x y WEIGHTS 1 1", "-ERR syntax error"},
      {"ZUNIONSTORE t 2 x y WITHSCORES", "-ERR syntax error"},
      {"ZUNIONSTORE t 0 x", "-ERR at least 1 input key is needed for 'zunionstore' command"},
      {"ZINTERCARD 2 x y LIMIT -1", "-ERR LIMIT can't be negative"},
      {"ZINTERCARD 2 x y LIMIT x", "-ERR LIMIT can't be negative"},
      {"ZINTERCARD 0 x", "-ERR at least 1 input key is needed for 'zintercard' command"},
      {"SET s v", "OK"},
      {"ZUNION 2 x s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZUNIONSTORE t 2 x s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZUNIONSTORE s 1 x", ":3"},
      {"TYPE s", "zset"},
  });
}

TEST_P(SortedSets, RandomMembersAndScans) {
  Run({
      {"ZADD z 1 a", ":1"},
      {"ZRANDMEMBER z", "'a'"},
      {"ZRANDMEMBER z 1", "['a']"},
      {"ZRANDMEMBER z 5 WITHSCORES", "['a', '1']", "[['a', ,1]]"},
      {"ZRANDMEMBER z -3", "['a', 'a', 'a']"},
      {"ZRANDMEMBER z -2 WITHSCORES", "['a', '1', 'a', '1']", "[['a', ,1], ['a', ,1]]"},
      {"ZRANDMEMBER z 0", "[]"},
      {"ZRANDMEMBER z x", "-ERR value is not an integer or out of range"},
      {"ZRANDMEMBER z 1 bogus", "-ERR syntax error"},
      {"ZRANDMEMBER z -9223372036854775808",
       "-ERR value is out of range, value must between -9223372036854775807 and "
       "9223372036854775807"},
      {"ZRANDMEMBER z 9223372036854775807 WITHSCORES", "-ERR value is out of range"},
      {"ZRANDMEMBER missing", "nil"},
      {"ZRANDMEMBER missing 2", "[]"},
      {"ZADD z 2.5 bee", ":1"},
      {"ZSCAN z 0", "['0', ['a', '1', 'bee', '2.5']]"},
      {"ZSCAN z 0 MATCH b* COUNT 5", "['0', ['bee', '2.5']]"},
      {"ZSCAN z x", "-ERR invalid cursor"},
      {"ZSCAN z 0 COUNT 0", "-ERR syntax error"},
      {"ZSCAN z 0 BOGUS", "-ERR syntax error"},
      {"ZSCAN missing 0", "['0', []]"},
      {"ZSCAN missing 0 BOGUS", "['0', []]"},
      {"SET s v", "OK"},
      {"ZSCAN s 0", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
      {"ZRANDMEMBER s", "-WRONGTYPE Operation against a key holding the wrong kind of value"},
  });
}

TEST_P(SortedSets, EncodingsFollowTheLimits) {
  Run({
      {"ZADD z 1 a", ":1"},
      {"OBJECT ENCODING z", "'listpack'"},
      {"ZADD z 1 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ":1"},
      {"OBJECT ENCODING z", "'skiplist'"},
      {"ZREM z xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ":1"},
      {"OBJECT ENCODING z", "'skiplist'"},
      {"ZUNIONSTORE z 1 z", ":1"},
      {"OBJECT ENCODING z", "'listpack'"},
      {"CONFIG SET zset-max-listpack-entries 2", "OK"},
      {"ZADD z 2 b", ":1"},
      {"OBJECT ENCODING z", "'listpack'"},
      {"ZADD z 3 c", ":1"},
      {"OBJECT ENCODING z", "'skiplist'"},
      {"ZRANGE z 0 -1 WITHSCORES", "['a', '1', 'b', '2', 'c', '3']",
       "[['a', ,1], ['b', ,2], ['c', ,3]]"},
      {"ZREVRANK z a", ":2"},
      {"ZADD z 2.5 a", ":0"},
      {"ZRANGE z (2 3 BYSCORE", "['a', 'c']"},
      {"ZRANGESTORE t z 0 1", ":2"},
      {"OBJECT ENCODING t", "'listpack'"},
      {"ZPOPMAX z", "['c', '3']", "['c', ,3]"},
      {"ZREM z a b", ":2"},
      {"EXISTS z", ":0"},
  });
}

TEST_P(SortedSets, RanksCanComeWithScores) {
  Run({
      {"ZADD z 1 a 2.5 b", ":2"},
      {"ZRANK z b WITHSCORE", "[:1, '2.5']", "[:1, ,2.5]"},
      {"ZREVRANK z b withscore", "[:0, '2.5']", "[:0, ,2.5]"},
      {"ZRANK z missing WITHSCORE", "nil"},
      {"ZRANK missing a WITHSCORE", "nil"},
      {"ZRANK z a WITHSCORES", "-ERR syntax error"},
      {"ZRANK z a WITHSCORE x", "-ERR wrong number of arguments for 'zrank' command"},
  });
}

TEST_P(SortedSets, PlainSetsCombineWithScoreOne) {
  Run({
      {"SADD s a b 10", ":3"},
      {"SADD ints 10 20", ":2"},
      {"ZADD z 5 a 7 20", ":2"},
      {"ZUNION 3 s ints z WITHSCORES", "['b', '1', '10', '2', 'a', '6', '20', '8']",
       "[['b', ,1], ['10', ,2], ['a', ,6], ['20', ,8]]"},
      {"ZINTERSTORE t 2 z s WEIGHTS 2 3", ":1"},
      {"ZRANGE t 0 -1 WITHSCORES", "['a', '13']", "[['a', ,13]]"},
      {"ZDIFF 2 s z", "['10', 'b']"},
      {"ZINTERCARD 2 s ints", ":1"},
      {"ZUNIONSTORE s 1 s", ":3"},
      {"TYPE s", "zset"},
  });
}

TEST_P(SortedSets, NoReplyIsAsLongAsANumberThatAClientNames) {
  Run({
      {"ZADD z 1 a", ":1"},
      {"ZRANDMEMBER z -9223372036854775807", "-ERR value is out of range"},
      {"ZRANDMEMBER z -4000000000000000000 WITHSCORES", "-ERR value is out of range"},
  });
}

TEST_P(SortedSets, WaitersAreServedInTheOrderOfTheirComing) {
  Client first = Connect();
  Client second = Connect();
  Client third = Connect();
  first.SendLine("BZPOPMIN a z 0");
  ASSERT_TRUE(BlockedAre(1));
  second.SendLine("BZMPOP 0 2 z b MAX COUNT 2");
  ASSERT_TRUE(BlockedAre(2));
  third.SendLine("BZPOPMAX z 0");
  ASSERT_TRUE(BlockedAre(3));
  Client client = Connect();
  EXPECT_EQ(client.Do("SET b v"), "OK");
  EXPECT_EQ(client.Do("ZADD z 1 one 2 two 3 three 4 four"), ":4");
  const bool is_resp3 = resp() == 3;
  EXPECT_EQ(first.Read().Show(), is_resp3 ? "['z', 'one', ,1]" : "['z', 'one', '1']");
  EXPECT_EQ(second.Read().Show(), is_resp3 ? "['z', [['four', ,4], ['three', ,3]]]"
                                           : "['z', [['four', '4'], ['three', '3']]]");
  EXPECT_EQ(third.Read().Show(), is_resp3 ? "['z', 'two', ,2]" : "['z', 'two', '2']");
  EXPECT_EQ(client.Do("EXISTS z"), ":0");
  EXPECT_TRUE(BlockedAre(0));
}

TEST_P(SortedSets, StoringAResultServesWaiters) {
  Client client = Connect();
  Client waiter = Connect();
  client.Do("ZADD from 1 a 2 b");
  for (const char* const store : {"ZUNIONSTORE to 1 from", "ZRANGESTORE to from 0 1"}) {
    waiter.SendLine("BZPOPMIN to 0");
    ASSERT_TRUE(BlockedAre(1));
    EXPECT_EQ(client.Do(store), ":2");
    EXPECT_EQ(waiter.Read().At(1), "a");
    ASSERT_TRUE(BlockedAre(0));
    EXPECT_EQ(client.Do("ZRANGE to 0 -1"), "['b']");
    client.Do("DEL to");
  }
}

TEST_P(SortedSets, AnExecDoesNotBlock) {
  Client client = Connect();
  client.Do("MULTI");
  client.Do("BZPOPMIN z 0");
  client.Do("BZMPOP 0 1 z MIN");
  client.Do("ZADD z 1 a");
  client.Do("BZPOPMAX z 0");
  EXPECT_EQ(client.Do("EXEC"),
            resp() == 3 ? "[nil, nil, :1, ['z', 'a', ,1]]" : "[nil, nil, :1, ['z', 'a', '1']]");
}

TEST_P(SortedSets, EventsNameTheCommand) {
  Client listener = Connect();
  Client client = Connect();
  client.Do("CONFIG SET notify-keyspace-events Ezg");
  Subscribe(listener, {"PSUBSCRIBE", "__keyevent@0__:*"});
  struct Row {
    const char* command;
    std::vector<std::string> events;
  };
  const Row rows[] = {
      {"ZADD z 1 a 2 b 3 c 4 d 5 e 6 f", {"zadd z"}},
      {"ZADD z 1 a", {}},
      {"ZADD z XX 2 missing", {}},
      {"ZADD z INCR 1 a", {"zincr z"}},
      {"ZINCRBY z -1 a", {"zincr z"}},
      {"ZREM z missing", {}},
      {"ZREM z a", {"zrem z"}},
      {"ZPOPMIN z", {"zpopmin z"}},
      {"ZPOPMAX z 0", {}},
      {"ZMPOP 1 z MAX", {"zpopmax z"}},
      {"BZPOPMIN z 0", {"zpopmin z"}},
      {"ZRANGESTORE t z 0 -1", {"zrangestore t"}},
      {"ZUNIONSTORE t 2 z t", {"zunionstore t"}},
      {"ZINTERSTORE t 2 z t", {"zinterstore t"}},
      {"ZDIFFSTORE t 1 z", {"zdiffstore t"}},
      {"ZDIFFSTORE t 2 z z", {"del t"}},
      {"ZDIFFSTORE t 2 z z", {}},
      {"ZREMRANGEBYRANK z 7 8", {}},
      {"ZREMRANGEBYRANK z 0 -1", {"zremrangebyrank z", "del z"}},
      {"ZADD z 0 a 0 b", {"zadd z"}},
      {"ZREMRANGEBYLEX z - [a", {"zremrangebylex z"}},
      {"ZREMRANGEBYSCORE z 0 0", {"zremrangebyscore z", "del z"}},
      {"ZADD z 0 a", {"zadd z"}},
      {"ZPOPMAX z 5", {"zpopmax z", "del z"}},
      {"ZADD z 0 a", {"zadd z"}},
      {"ZREM z a", {"zrem z", "del z"}},
  };
  for (const Row& row : rows) {
    client.Do(row.command);
    for (const std::string& event : row.events) {
      const Reply frame = listener.Read();
      EXPECT_EQ(frame.At(2).substr(std::string("__keyevent@0__:").size()) + " " + frame.At(3),
                event)
          << row.command;
    }
    client.Do("PUBLISH __keyevent@0__:end x");
    EXPECT_EQ(listener.Read().At(2), "__keyevent@0__:end") << row.command;
  }
}

}  // namespace
}  // namespace peal::tests
