#include "protocol/resp/encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "protocol/resp/reply_parser.h"

namespace peal::protocol {
namespace {

/// What `write` puts out in a version of RESP.
template <class Write>
std::string In(RespVersion version, Write&& write) {
  StringSink sink;
  ReplyWriter reply(sink, version);
  write(reply);
  return sink.Take();
}

#define EXPECT_ENCODES(call, resp2, resp3)                                                \
  EXPECT_EQ(In(RespVersion::k2, [](ReplyWriter& reply) { reply.call; }), resp2) << #call; \
  EXPECT_EQ(In(RespVersion::k3, [](ReplyWriter& reply) { reply.call; }), resp3) << #call

TEST(ReplyWriter, WritesTypesThatBothVersionsShare) {
  EXPECT_ENCODES(Ok(), "+OK\r\n", "+OK\r\n");
  EXPECT_ENCODES(Simple("PONG"), "+PONG\r\n", "+PONG\r\n");
  EXPECT_ENCODES(Error(errors::kSyntax), "-ERR syntax error\r\n", "-ERR syntax error\r\n");
  EXPECT_ENCODES(Integer(0), ":0\r\n", ":0\r\n");
  EXPECT_ENCODES(Integer(-7), ":-7\r\n", ":-7\r\n");
  EXPECT_ENCODES(Integer(std::numeric_limits<int64_t>::min()), ":-9223372036854775808\r\n",
                 ":-9223372036854775808\r\n");
  EXPECT_ENCODES(Bulk(""), "$0\r\n\r\n", "$0\r\n\r\n");
  EXPECT_ENCODES(Bulk(std::string_view("a\0\r\n", 4)), std::string("$4\r\na\0\r\n\r\n", 10),
                 std::string("$4\r\na\0\r\n\r\n", 10));
  EXPECT_ENCODES(BulkInteger(-120), "$4\r\n-120\r\n", "$4\r\n-120\r\n");
  EXPECT_ENCODES(Array(12), "*12\r\n", "*12\r\n");
}

TEST(ReplyWriter, WritesOwnTypesOnlyInResp3) {
  EXPECT_ENCODES(Null(), "$-1\r\n", "_\r\n");
  EXPECT_ENCODES(NullArray(), "*-1\r\n", "_\r\n");
  EXPECT_ENCODES(Map(3), "*6\r\n", "%3\r\n");
  EXPECT_ENCODES(Set(3), "*3\r\n", "~3\r\n");
  EXPECT_ENCODES(Push(3), "*3\r\n", ">3\r\n");
  EXPECT_ENCODES(Double(1.5), "$3\r\n1.5\r\n", ",1.5\r\n");
  EXPECT_ENCODES(Double(-INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
  EXPECT_ENCODES(Double(NAN), "$3\r\nnan\r\n", ",nan\r\n");
  EXPECT_ENCODES(Boolean(true), ":1\r\n", "#t\r\n");
  EXPECT_ENCODES(Boolean(false), ":0\r\n", "#f\r\n");
  EXPECT_ENCODES(Verbatim("txt", "hi"), "$2\r\nhi\r\n", "=6\r\ntxt:hi\r\n");
  EXPECT_ENCODES(BigNumber("123"), "$3\r\n123\r\n", "(123\r\n");
}

TEST(ReplyWriter, LeavesAttributesOutOfResp2) {
  EXPECT_EQ(In(RespVersion::k2, [](ReplyWriter& reply) { EXPECT_FALSE(reply.Attribute(1)); }), "");
  EXPECT_EQ(In(RespVersion::k3, [](ReplyWriter& reply) { EXPECT_TRUE(reply.Attribute(1)); }),
            "|1\r\n");
}

TEST(ReplyWriter, KeepsLinesOnOneLine) {
  EXPECT_ENCODES(ErrorLine("ERR a\r\nb\n"), "-ERR a  b \r\n", "-ERR a  b \r\n");
  EXPECT_ENCODES(Simple("a\r\n:1"), "+a  :1\r\n", "+a  :1\r\n");
}

TEST(Encode, SizesAreExact) {
  for (const size_t size : {0u, 1u, 9u, 10u, 99u, 100u, 999u, 1'000u, 16'384u, 100'000u}) {
    std::string out(BulkSize(size) + 1, '#');
    const char* end = WriteBulk(out.data(), std::string(size, 'x'));
    EXPECT_EQ(static_cast<size_t>(end - out.data()), BulkSize(size));
    EXPECT_EQ(out.back(), '#');
  }
}

TEST(Encode, IntegersOfAllLengthsReadBack) {
  uint64_t value = 0;
  for (int digits = 0; digits < 19; ++digits) {
    value = value * 10 + static_cast<uint64_t>(digits % 9 + 1);
    for (const int64_t number : {static_cast<int64_t>(value), -static_cast<int64_t>(value)}) {
      char out[kMaxHeaderBytes];
      const std::string_view text(out, static_cast<size_t>(WriteInteger(out, number) - out));
      EXPECT_EQ(text, ":" + std::to_string(number) + "\r\n");
    }
  }
}

TEST(StringSink, GrowsAndStartsAgain) {
  StringSink sink;
  std::string expected;
  for (int i = 0; i < 1'000; ++i) {
    sink.Append("some text ");
    expected += "some text ";
  }
  EXPECT_EQ(sink.view(), expected);
  EXPECT_EQ(sink.Take(), expected);
  EXPECT_EQ(sink.view(), "");
  sink.Append("x");
  EXPECT_EQ(sink.Take(), "x");
  EXPECT_EQ(sink.Take(), "");
}

TEST(ReplyWriter, IsReadBackByTheReplyParser) {
  const std::string stream = In(RespVersion::k3, [](ReplyWriter& reply) {
    reply.Map(2);
    reply.Bulk("pi");
    reply.Double(3.141592653589793);
    reply.Bulk("list");
    reply.Array(3);
    reply.Null();
    reply.Boolean(true);
    reply.Verbatim("txt", "x");
  });
  ReplyParser parser;
  ASSERT_EQ(parser.Next(stream), ParseStatus::kRequest);
  EXPECT_EQ(ToText(parser.value()), R"({"pi": 3.141592653589793, "list": [null, true, "x"]})");
}

}  // namespace
}  // namespace peal::protocol
