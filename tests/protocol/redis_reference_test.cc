// Error texts and lenient readings compared with a live redis-server.
#include "tests/protocol/redis_reference.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/number.h"
#include "protocol/resp/encode.h"
#include "protocol/resp/reply_parser.h"
#include "tests/protocol/feed.h"

namespace peal::protocol {
namespace {

using tests::Parsed;
using tests::ParseWhole;

/// What our parser would have a server send for a stream of PING requests: PONGs, then the error
/// line.
std::string OwnAnswer(std::string_view stream, RequestLimits limits = {}) {
  const Parsed parsed = ParseWhole(stream, limits);
  StringSink sink;
  ReplyWriter reply(sink, RespVersion::k2);
  for (size_t i = 0; i < parsed.requests.size(); ++i) reply.Simple("PONG");
  if (!parsed.error.empty()) reply.ErrorLine(parsed.error);
  return sink.Take();
}

TEST(RedisReference, AnswersBadStreamsWithTheSameTexts) {
  PEAL_START_REFERENCE(redis);
  const std::string digits(70'000, '1');
  const std::vector<std::string> streams = {
      "*abc\r\n",
      "*\r\n",
      "* 1\r\n",
      "*+1\r\n",
      "*01\r\n",
      "*-0\r\n",
      "*2147483648\r\n",
      "*1\r\n$\r\n",
      "*1\r\n$-1\r\n",
      "*1\r\n$04\r\n",
      "*1\r\n$+4\r\n",
      "*1\r\n$536870913\r\n",
      "*1\r\n$9223372036854775808\r\n",
      "*1\r\nX\r\n",
      "*1\r\n\r\n\r\n",
      "*1\r\n\n\r\n",
      "*1\r\nPING\r\n",
      "*2\r\n$4\r\nPING\r\n:1\r\n",
      "\"abc\r\n",
      "'abc\r\n",
      "ping \"a\"b\r\n",
      "*" + digits,
      "*1\r\n$" + digits,
      digits,
      "PING\r\n*1\r\n$4\r\nPING\r\n*x\r\n",
  };
  for (const std::string& stream : streams)
    EXPECT_EQ(OwnAnswer(stream), redis.Answer(stream)) << stream.substr(0, 40);
}

TEST(RedisReference, ReadsLenientStreamsAlike) {
  PEAL_START_REFERENCE(redis);
  const std::vector<std::string> streams = {
      "*0\r\n*-5\r\n\r\n\n   \r\nPING\r\n",
      "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n",
      "*1\rX$4\rYPINGZZPING\r\n",
      "ping\n\"PING\"\r\n'ping'\npi\"ng\"\r\n",
      "\tping\t\r\n",
      "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI",
  };
  for (const std::string& stream : streams)
    EXPECT_EQ(OwnAnswer(stream), redis.Answer(stream)) << stream;
}

TEST(RedisReference, UnquotesLinesAlike) {
  PEAL_START_REFERENCE(redis);
  for (const char* line :
       {R"(echo "a\x41\x4g\n\r\t\b\a\q\\\"")", R"(echo 'a\'b\n"')", R"(echo a"b")", R"(echo "")",
        R"(echo ''  )", R"(  echo	x)", R"(echo \x41)", R"(echo a\"b)", R"(echo "\x")"}) {
    const std::string request = std::string(line) + "\r\n";
    const Parsed parsed = ParseWhole(request);
    StringSink sink;
    ReplyWriter reply(sink, RespVersion::k2);
    if (parsed.requests.empty()) {
      reply.ErrorLine(parsed.error);
    } else {
      ASSERT_EQ(parsed.requests[0].size(), 2u) << line;
      reply.Bulk(parsed.requests[0][1]);
    }
    EXPECT_EQ(sink.Take(), redis.Answer(request)) << line;
  }
}

TEST(RedisReference, LimitsUnauthenticatedClientsAlike) {
  PEAL_START_REFERENCE(redis, (std::vector<std::string>{"--requirepass", "secret"}));
  for (const std::string stream : {"*11\r\n", "*1\r\n$16385\r\n", "*10\r\n$16384\r\n"})
    EXPECT_EQ(OwnAnswer(stream, RequestLimits::Unauthenticated()), redis.Answer(stream)) << stream;
  EXPECT_EQ(redis.Answer("get a\r\n"), "-" + std::string(errors::kNoAuth.text()) + "\r\n");
  EXPECT_EQ(redis.Answer("auth no\r\n"), "-" + std::string(errors::kWrongPass.text()) + "\r\n");
}

TEST(RedisReference, SaysTheSameConstantTexts) {
  PEAL_START_REFERENCE(redis);
  redis.Answer("set s text\r\nset big 9223372036854775807\r\nlpush l 1\r\n");
  struct Case {
    const char* request;
    Error error;
  };
  const Case cases[] = {
      {"set a 1 zz", errors::kSyntax},
      {"incr s", errors::kNotInteger},
      {"incrbyfloat s x", errors::kNotFloat},
      {"incr big", errors::kOverflow},
      {"incrbyfloat f inf", errors::kNotFinite},
      {"get l", errors::kWrongType},
      {"rename zz yy", errors::kNoKey},
      {"lset l 5 1", errors::kOutOfRange},
      {"lpop l -1", errors::kMustBePositive},
      {"setrange s -1 x", errors::kOffsetOutOfRange},
      {"scan x", errors::kInvalidCursor},
      {"exec", errors::kExecWithoutMulti},
      {"discard", errors::kDiscardWithoutMulti},
      {"select 99", errors::kDbOutOfRange},
      {"hello 9", errors::kNoProto},
      {"hello x", errors::kProtoNotInteger},
      {"setrange s 536870912 x", errors::kStringTooBig},
      {"auth a", errors::kAuthWithoutPassword},
      {"set a 1 ex 0", errors::InvalidExpire("set")},
      {"setex a 0 1", errors::InvalidExpire("setex")},
      {"get", errors::WrongArity("get")},
      {"config get", errors::WrongArity("config|get")},
      {"config foo", errors::UnknownSubcommand("config", "foo")},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(redis.Answer(std::string(one.request) + "\r\n"),
              "-" + std::string(one.error.text()) + "\r\n")
        << one.request;
  }
  const auto line = [](const Error& error) { return "-" + std::string(error.text()) + "\r\n"; };
  EXPECT_EQ(redis.Answer("multi\r\nmulti\r\n"), "+OK\r\n" + line(errors::kNestedMulti));
  EXPECT_EQ(redis.Answer("multi\r\nwatch a\r\n"), "+OK\r\n" + line(errors::kWatchInMulti));
  EXPECT_EQ(redis.Answer("multi\r\nget\r\nexec\r\n"),
            "+OK\r\n" + line(errors::WrongArity("get")) + line(errors::kExecAbort));
  EXPECT_EQ(redis.Answer("config set maxmemory 1\r\nset a 1\r\n"), "+OK\r\n" + line(errors::kOom));
}

TEST(RedisReference, QuotesUnknownCommandsAlike) {
  PEAL_START_REFERENCE(redis);
  const std::vector<std::vector<std::string>> requests = {
      {"FOO"},
      {"foo", "a", "b c"},
      {"foo", "a\r\nb", ""},
      {std::string(200, 'q'), "x"},
      {"foo", "b", std::string(200, 'y'), "z"},
      {"foo", std::string(60, 'a'), std::string(60, 'b'), std::string(60, 'c')},
      {"foo", std::string(125, 'a'), "next"},
  };
  for (const std::vector<std::string>& request : requests) {
    const std::vector<std::string_view> args(request.begin(), request.end());
    StringSink sink;
    ReplyWriter(sink, RespVersion::k2).Error(errors::UnknownCommand(args.data(), args.size()));
    EXPECT_EQ(redis.Answer(tests::Request(request)), sink.Take());
  }
}

TEST(RedisReference, ReadsIntegersAndFloatsAlike) {
  PEAL_START_REFERENCE(redis);
  const std::vector<std::string> texts = {
      "0",   "-0",   "+1",    "01",  " 1",  "1 ",  "",        "-",        "9223372036854775807",
      "1.5", "-1",   "1e3",   "0x1", "inf", "nan", "-inf",    "Infinity", "9223372036854775808",
      ".5",  "5.",   "1e400", "--1", "1_0", "-00", "1e-5000", "0x1p3",    "-9223372036854775808",
      "1e5", "1.5x", "+.5e1", "e",   "1e",  "0.1", "1e-400",  "-01",      "-9223372036854775809",
  };
  for (const std::string& text : texts) {
    // SETRANGE's offset and GETRANGE's ends are 64-bit integers; a score is a double.
    const std::string integer = redis.Answer(tests::Request({"getrange", "none", text, "0"}));
    EXPECT_EQ(ParseInt64(text).has_value(), integer[0] != '-') << '"' << text << '"';
    const std::string score = redis.Answer(tests::Request({"zadd", "z", text, "m"}));
    EXPECT_EQ(ParseDouble(text).has_value(), score[0] != '-') << '"' << text << '"';
    redis.Answer("set f 0\r\n");
    const std::string sum = redis.Answer(tests::Request({"incrbyfloat", "f", text}));
    const auto value = ParseLongDouble(text);
    EXPECT_EQ(value.has_value(), sum.find("not a valid float") == std::string::npos) << text;
    if (value && sum[0] == '$') {
      StringSink sink;
      ReplyWriter(sink, RespVersion::k2).Bulk(FormatLongDoubleHuman(*value));
      EXPECT_EQ(sink.Take(), sum) << text;
    }
  }
}

TEST(RedisReference, ReadsSizesAlike) {
  PEAL_START_REFERENCE(redis);
  for (const std::string text : {"1", "1b", "1k", "1kb", "1KB", "1m", "1mb", "1g", "1gB", "1t",
                                 "1 k", "1.5k", "10mbb", "0"}) {
    const std::string answer =
        redis.Answer(tests::Request({"config", "set", "proto-max-bulk-len", "2gb"}) +
                     tests::Request({"config", "set", "maxmemory-clients", text}) +
                     tests::Request({"config", "get", "maxmemory-clients"}));
    ReplyParser parser;
    std::string_view rest = answer;
    std::vector<Value> values;
    while (parser.Next(rest) == ParseStatus::kRequest) {
      values.push_back(parser.value());
      rest.remove_prefix(parser.consumed());
    }
    ASSERT_EQ(values.size(), 3u);
    const auto bytes = ParseMemory(text);
    ASSERT_EQ(bytes.has_value(), !values[1].is_error()) << text;
    if (!bytes) continue;
    EXPECT_EQ(values[2].items[1].text, std::to_string(*bytes)) << text;
  }
}

}  // namespace
}  // namespace peal::protocol
