#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "protocol/resp/parser.h"
#include "tests/protocol/feed.h"

namespace peal::protocol {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using tests::Feeder;
using tests::Parsed;
using tests::ParseWhole;
using tests::Request;
using Words = std::vector<std::string>;

std::string ErrorOf(std::string_view stream, RequestLimits limits = {}) {
  return ParseWhole(stream, limits).error;
}

/// Multibulk and inline, empty requests between, octets of all kinds.
std::string SampleStream() {
  std::string binary;
  for (int octet = 0; octet < 256; ++octet) binary.push_back(static_cast<char>(octet));
  return Request({"PING"}) + "*0\r\n" + Request({"SET", "", binary}) + "\r\n  \n*-1\r\n" +
         "set \"a\\x41\\n\" 'it\\'s' plain\r\n" + Request({"A", "b", "c", "d", "e", "f", "g"}) +
         "PING\n" + Request({std::string(300, 'x'), std::string(12'345, 'y')}) + "get k\r\n" +
         Request(Words(12, "\r\n"));
}

TEST(RequestParser, ReadsARequestInPlace) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string input = Request({"GET", "key"}) + "rest";
  ASSERT_EQ(parser.Next(input, {}), ParseStatus::kRequest);
  EXPECT_THAT(parser.args(), ElementsAre("GET", "key"));
  EXPECT_GE(parser.args()[1].data(), input.data());
  EXPECT_LT(parser.args()[1].data(), input.data() + input.size());
  EXPECT_EQ(parser.consumed(), input.size() - 4);
}

TEST(RequestParser, SkipsEmptyRequestsBeforeOne) {
  EXPECT_THAT(ParseWhole("*0\r\n*-1\r\n*-77\r\n\r\n\n \t\r\nPING\r\n").requests,
              ElementsAre(Words{"PING"}));
}

TEST(RequestParser, AsksForMoreOnNothingAndConsumesEmptyRequests) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  EXPECT_EQ(parser.Next({}, {}), ParseStatus::kNeedMore);
  std::string empty = "*0\r\n\r\n";
  EXPECT_EQ(parser.Next(empty, {}), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.retained_from(), empty.size());
  EXPECT_TRUE(parser.is_idle());
}

TEST(RequestParser, GivesTheSameRequestsCutAtEveryPlace) {
  const std::string stream = SampleStream();
  const Parsed whole = ParseWhole(stream);
  ASSERT_EQ(whole.requests.size(), 8u);
  ASSERT_EQ(whole.error, "");
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    Feeder feeder;
    feeder.Feed(std::string_view(stream).substr(0, cut));
    feeder.Feed(std::string_view(stream).substr(cut));
    ASSERT_EQ(feeder.Take(), whole) << "cut at " << cut;
  }
}

TEST(RequestParser, GivesTheSameRequestsOctetByOctet) {
  const std::string stream = SampleStream();
  Feeder feeder;
  for (const char octet : stream) feeder.Feed({&octet, 1});
  EXPECT_EQ(feeder.Take(), ParseWhole(stream));
}

TEST(RequestParser, GivesTheSameRequestsInRandomPieces) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  const std::string stream = SampleStream() + SampleStream();
  const Parsed whole = ParseWhole(stream);
  for (int round = 0; round < 300; ++round) {
    Feeder feeder;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random() % (round % 2 == 0 ? 50 : 5'000);
      feeder.Feed(std::string_view(stream).substr(at, size));
      at += size;
    }
    ASSERT_EQ(feeder.Take(), whole);
  }
}

TEST(RequestParser, KeepsOnlyTheUnfinishedRequest) {
  Feeder feeder;
  const std::string half = "*2\r\n$3\r\nGET\r\n$5\r\nab";
  feeder.Feed(Request({"SET", "k", std::string(5'000, 'v')}) + half);
  EXPECT_EQ(feeder.kept_bytes(), half.size());
  EXPECT_FALSE(feeder.parser().is_idle());
  feeder.Feed("cde\r\n");
  EXPECT_EQ(feeder.kept_bytes(), 0u);
  EXPECT_TRUE(feeder.parser().is_idle());
  EXPECT_EQ(feeder.parser().partial_bytes(), 0u);
}

TEST(RequestParser, IsSmallWhileIdle) { EXPECT_LE(sizeof(RequestParser), 64u); }

TEST(RequestParser, TakesNoMemoryForAnnouncedNumbers) {
  Feeder feeder;
  feeder.Feed("*1048576\r\n$536870912\r\nabc");
  EXPECT_LT(feeder.parser().partial_bytes(), 1024u);
}

TEST(RequestParser, ReadsManyArguments) {
  const Words args(100'000, "x");
  const Parsed parsed = ParseWhole(Request(args));
  ASSERT_EQ(parsed.requests.size(), 1u);
  EXPECT_EQ(parsed.requests[0], args);
}

TEST(RequestParser, ShowsTheArgumentsOfAnUnfinishedRequest) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string input = "PING\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$20000\r\nabc";
  ASSERT_EQ(parser.Next(input, {}), ParseStatus::kRequest);
  const std::span<char> rest = std::span<char>(input).subspan(parser.consumed());
  ASSERT_EQ(parser.Next(rest, {}), ParseStatus::kNeedMore);
  EXPECT_THAT(parser.PartialArgs(rest), ElementsAre("SET", "k"));
  ASSERT_NE(parser.large_bulk(), nullptr);
  EXPECT_EQ(parser.large_bulk()->arg_index, 2u);
  EXPECT_EQ(parser.large_bulk()->argc, 3u);
  EXPECT_EQ(parser.large_bulk()->total_bytes, 20'000u);
  EXPECT_EQ(parser.large_bulk()->filled_bytes, 3u);
  EXPECT_EQ(parser.large_bulk()->missing_bytes(), 19'997u);
}

TEST(RequestParser, TellsOfLargeBulksOnly) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string small = "*1\r\n$" + std::to_string(kLargeBulkBytes - 1) + "\r\nabc";
  ASSERT_EQ(parser.Next(small, {}), ParseStatus::kNeedMore);
  EXPECT_EQ(parser.large_bulk(), nullptr);
  parser.Reset();
  std::string large = "*1\r\n$" + std::to_string(kLargeBulkBytes) + "\r\nabc";
  ASSERT_EQ(parser.Next(large, {}), ParseStatus::kNeedMore);
  EXPECT_NE(parser.large_bulk(), nullptr);
}

TEST(RequestParser, ReadsALargeBulkStraightToItsPlace) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  const std::string payload(50'000, 'p');
  std::string first = "*2\r\n$4\r\nECHO\r\n$50000\r\n" + payload.substr(0, 1'000);
  ASSERT_EQ(parser.Next(first, {}), ParseStatus::kNeedMore);
  std::string place(50'000, '?');
  parser.AdoptLargeBulk(place.data());
  EXPECT_EQ(parser.retained_to(), first.size() - 1'000);

  std::string kept = first.substr(parser.retained_from(), parser.retained_to());
  EXPECT_EQ(parser.Next(kept, {}), ParseStatus::kNeedMore);
  payload.copy(place.data() + 1'000, 49'000, 1'000);
  parser.LargeBulkFilled(49'000);
  kept += "\r\nPING\r\n";
  ASSERT_EQ(parser.Next(kept, {}), ParseStatus::kRequest);
  ASSERT_THAT(parser.args(), ElementsAre("ECHO", payload));
  EXPECT_EQ(parser.args()[1].data(), place.data());
  EXPECT_EQ(parser.consumed(), kept.size() - 6);
  EXPECT_EQ(parser.large_bulk(), nullptr);
}

TEST(RequestParser, TakesSeveralLargeBulksOfOneRequest) {
  const std::string a(16'384, 'a'), b(70'000, 'b'), c(20'000, 'c');
  const std::string stream = Request({"MSET", "1", a, "2", b, "small", c, c}) + Request({"PING"});
  const Parsed whole = ParseWhole(stream);
  ASSERT_EQ(whole.requests.size(), 2u);
  for (const size_t piece : {1'000u, 4'096u, 16'384u, 65'536u}) {
    Feeder feeder({}, true);
    for (size_t at = 0; at < stream.size(); at += piece)
      feeder.Feed(std::string_view(stream).substr(at, piece));
    const Parsed parsed = feeder.Take();
    EXPECT_EQ(parsed, whole) << "pieces of " << piece;
    EXPECT_GT(parsed.large_bulks, 0u) << "pieces of " << piece;
  }
}

TEST(RequestParser, AdoptsALargeBulkCutAtEveryPlace) {
  const std::string stream =
      Request({"SET", "k", std::string(kLargeBulkBytes, 'v')}) + Request({"GET", "k"});
  const Parsed whole = ParseWhole(stream);
  for (size_t cut = 0; cut <= stream.size(); cut += cut < 60 || cut > 16'390 ? 1 : 61) {
    Feeder feeder({}, true);
    feeder.Feed(std::string_view(stream).substr(0, cut));
    feeder.Feed(std::string_view(stream).substr(cut));
    ASSERT_EQ(feeder.Take(), whole) << "cut at " << cut;
  }
}

TEST(RequestParser, MayLeaveALargeBulkInTheInput) {
  const std::string stream = Request({"SET", "k", std::string(100'000, 'v')});
  Feeder feeder({}, false);
  for (size_t at = 0; at < stream.size(); at += 9'999)
    feeder.Feed(std::string_view(stream).substr(at, 9'999));
  const Parsed parsed = feeder.Take();
  EXPECT_EQ(parsed, ParseWhole(stream));
  EXPECT_EQ(parsed.large_bulks, 0u);
}

TEST(RequestParser, ForgetsAnAdoptedBulkOnReset) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string input = "*1\r\n$20000\r\nabc";
  ASSERT_EQ(parser.Next(input, {}), ParseStatus::kNeedMore);
  std::string place(20'000, '?');
  parser.AdoptLargeBulk(place.data());
  parser.Reset();
  EXPECT_TRUE(parser.is_idle());
  std::string ping = "PING\r\n";
  ASSERT_EQ(parser.Next(ping, {}), ParseStatus::kRequest);
  EXPECT_THAT(parser.args(), ElementsAre("PING"));
}

TEST(RequestParser, SharesScratchAmongParsers) {
  RequestScratch scratch;
  RequestParser left(scratch), right(scratch);
  std::string half = "*2\r\n$3\r\nGET\r\n$1\r\n";
  ASSERT_EQ(left.Next(half, {}), ParseStatus::kNeedMore);
  std::string other = Request({"SET", "a", "b"});
  ASSERT_EQ(right.Next(other, {}), ParseStatus::kRequest);
  std::string rest = half + "k\r\n";
  ASSERT_EQ(left.Next(rest, {}), ParseStatus::kRequest);
  EXPECT_THAT(left.args(), ElementsAre("GET", "k"));
}

TEST(InlineRequest, SplitsAtSpaces) {
  EXPECT_THAT(ParseWhole("set  key\tvalue \r\n").requests,
              ElementsAre(Words{"set", "key", "value"}));
}

// Expected words observed with redis-server 7.0.15 (echo).
TEST(InlineRequest, UndoesQuotes) {
  const auto words = [](const std::string& line) { return ParseWhole(line + "\r\n").requests; };
  EXPECT_THAT(words(R"(echo 'a\'b\n')"), ElementsAre(Words{"echo", R"(a'b\n)"}));
  EXPECT_THAT(words(R"(echo "\x41\x4g\q")"), ElementsAre(Words{"echo", "Ax4gq"}));
  EXPECT_THAT(words(R"(echo "\n\r\t\b\a\\\"")"), ElementsAre(Words{"echo", "\n\r\t\b\a\\\""}));
  EXPECT_THAT(words(R"(ec"ho" x)"), ElementsAre(Words{"echo", "x"}));
  EXPECT_THAT(words(R"(set "" '')"), ElementsAre(Words{"set", "", ""}));
  EXPECT_THAT(words(R"(echo "two words")"), ElementsAre(Words{"echo", "two words"}));
}

TEST(InlineRequest, EndsWordsAtFewOctetsOnly) {
  // Observed with redis-server 7.0.15: a vertical tab or form feed inside a word belongs to it. A
  // NUL is an octet like any other here.
  EXPECT_THAT(ParseWhole("echo a\x0b"
                         "b\x0c"
                         "c\r\n")
                  .requests,
              ElementsAre(Words{"echo",
                                "a\x0b"
                                "b\x0c"
                                "c"}));
  const std::string line("echo a\0b \0\r\n", 12);
  EXPECT_THAT(ParseWhole(line).requests,
              ElementsAre(Words{"echo", std::string("a\0b", 3), std::string("\0", 1)}));
}

TEST(InlineRequest, NeedsBalancedQuotes) {
  for (const char* line :
       {"\"abc\r\n", "'abc\r\n", "set \"a\"b\r\n", "set 'a'b\r\n", "\"a\\\"\r\n"})
    EXPECT_EQ(ErrorOf(line), "ERR Protocol error: unbalanced quotes in request") << line;
}

TEST(InlineRequest, HasABoundedLine) {
  const std::string error = "ERR Protocol error: too big inline request";
  EXPECT_EQ(ErrorOf(std::string(65'537, 'x')), error);
  EXPECT_EQ(ErrorOf(std::string(65'537, 'x') + "\r\n"), error);
  EXPECT_EQ(ParseWhole(std::string(65'535, 'x') + "\r\n").requests.size(), 1u);
}

TEST(RequestLimits, BoundArgumentsAndBulks) {
  EXPECT_EQ(ErrorOf("*1048577\r\n"), "ERR Protocol error: invalid multibulk length");
  EXPECT_EQ(ErrorOf("*1048576\r\n"), "");
  EXPECT_EQ(ErrorOf("*1\r\n$536870913\r\n"), "ERR Protocol error: invalid bulk length");
  EXPECT_EQ(ErrorOf("*1\r\n$536870912\r\n"), "");
  EXPECT_EQ(ErrorOf("*1\r\n$11\r\n", {.max_bulk_bytes = 10}),
            "ERR Protocol error: invalid bulk length");
}

TEST(RequestLimits, AreFarSmallerBeforeAuthentication) {
  const RequestLimits limits = RequestLimits::Unauthenticated();
  EXPECT_EQ(ErrorOf("*11\r\n", limits), "ERR Protocol error: unauthenticated multibulk length");
  EXPECT_EQ(ErrorOf("*10\r\n$16384\r\n", limits), "");
  EXPECT_EQ(ErrorOf("*1\r\n$16385\r\n", limits), "ERR Protocol error: unauthenticated bulk length");
}

TEST(RequestLimits, MayChangeBetweenRequests) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string wide = Request(Words(11, "x"));
  ASSERT_EQ(parser.Next(wide, {}), ParseStatus::kRequest);
  EXPECT_EQ(parser.Next(wide, RequestLimits::Unauthenticated()), ParseStatus::kProtocolError);
}

TEST(ProtocolError, StaysUntilReset) {
  RequestScratch scratch;
  RequestParser parser(scratch);
  std::string bad = "*x\r\n", good = "PING\r\n";
  EXPECT_EQ(parser.Next(bad, {}), ParseStatus::kProtocolError);
  EXPECT_EQ(parser.Next(good, {}), ParseStatus::kProtocolError);
  EXPECT_FALSE(parser.is_idle());
  parser.Reset();
  EXPECT_EQ(parser.Next(good, {}), ParseStatus::kRequest);
}

TEST(ProtocolError, ComesBehindTheRequestsBeforeIt) {
  const Parsed parsed = ParseWhole(Request({"PING"}) + "*1\r\n!\r\n");
  EXPECT_THAT(parsed.requests, ElementsAre(Words{"PING"}));
  EXPECT_EQ(parsed.error, "ERR Protocol error: expected '$', got '!'");
}

struct BadStream {
  std::string bytes;
  std::string error;  // observed with redis-server 7.0.15
};

std::vector<BadStream> BadStreams() {
  const std::string prefix = "ERR Protocol error: ";
  const std::string digits(70'000, '1');
  std::vector<BadStream> streams = {
      {"*" + digits, prefix + "too big mbulk count string"},
      {"*1\r\n$" + digits, prefix + "too big bulk count string"},
      {std::string(70'000, 'x'), prefix + "too big inline request"},
      {"\"abc\r\n", prefix + "unbalanced quotes in request"},
      {"*2\r\n$4\r\nPING\r\n:1\r\n", prefix + "expected '$', got ':'"},
      {"*1\r\nX\r\n", prefix + "expected '$', got 'X'"},
  };
  for (const char* bad :
       {"*abc\r\n", "*\r\n", "* 1\r\n", "*+1\r\n", "*01\r\n", "*1 \r\n", "*1x\r\n",
        "*2147483648\r\n", "*9223372036854775808\r\n", "*-\r\n", "*-0\r\n"})
    streams.push_back({bad, prefix + "invalid multibulk length"});
  for (const char* bad : {"$\r\n", "$-1\r\n", "$04\r\n", "$+4\r\n", "$4 \r\n", "$536870913\r\n",
                          "$9223372036854775808\r\n", "$abc\r\n", "$$\r\n"})
    streams.push_back({std::string("*1\r\n") + bad, prefix + "invalid bulk length"});
  return streams;
}

TEST(ProtocolError, HasTheTextsOfRedis) {
  for (const BadStream& stream : BadStreams())
    EXPECT_EQ(ErrorOf(stream.bytes), stream.error) << stream.bytes.substr(0, 40);
}

TEST(ProtocolError, IsTheSameOctetByOctet) {
  for (const BadStream& stream : BadStreams()) {
    if (stream.bytes.size() > 1'000) continue;  // long lines: next test
    Feeder feeder;
    for (const char octet : stream.bytes) feeder.Feed({&octet, 1});
    EXPECT_EQ(feeder.Take().error, stream.error) << stream.bytes;
  }
}

TEST(ProtocolError, OfALongLineComesInPiecesToo) {
  for (const std::string& start : {std::string("*"), std::string("*1\r\n$"), std::string("x")}) {
    const std::string stream = start + std::string(70'000, '1');
    // The same whether its end has come or not.
    EXPECT_EQ(ErrorOf(stream + "\r\n"), ErrorOf(stream));
    Feeder feeder;
    for (size_t at = 0; at < stream.size(); at += 4'000)
      feeder.Feed(std::string_view(stream).substr(at, 4'000));
    EXPECT_EQ(feeder.Take().error, ErrorOf(stream));
    EXPECT_EQ(feeder.kept_bytes(), 0u);
  }
}

// The two octets behind a payload and the one behind a CR are skipped unread: so does redis-server.
TEST(RequestParser, DoesNotLookAtOctetsRedisSkips) {
  EXPECT_THAT(ParseWhole("*1\r\n$4\r\nPINGxx*1\rX$4\rYPING\r\n").requests,
              ElementsAre(Words{"PING"}, Words{"PING"}));
}

}  // namespace
}  // namespace peal::protocol
