#include "protocol/resp/reply_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace peal::protocol {
namespace {

struct Replies {
  std::vector<std::string> texts;
  std::string error;
};

/// Reads of `piece` octets; keeps what the parser has not consumed.
Replies Parse(std::string_view stream, size_t piece, ReplyLimits limits = {}) {
  ReplyParser parser(limits);
  Replies replies;
  std::string kept;
  for (size_t at = 0; at < stream.size(); at += piece) {
    kept += stream.substr(at, piece);
    for (;;) {
      const ParseStatus status = parser.Next(kept);
      if (status == ParseStatus::kProtocolError) {
        replies.error = parser.error();
        return replies;
      }
      kept.erase(0, parser.consumed());
      if (status == ParseStatus::kNeedMore) break;
      replies.texts.push_back(ToText(parser.value()));
    }
  }
  return replies;
}

std::string One(std::string_view stream) {
  const Replies replies = Parse(stream, stream.size());
  if (!replies.error.empty()) return "fault: " + replies.error;
  return replies.texts.size() == 1 ? replies.texts[0] : "not one reply";
}

TEST(ReplyParser, ReadsEveryTypeOfResp2) {
  EXPECT_EQ(One("+OK\r\n"), R"("OK")");
  EXPECT_EQ(One("-ERR no\r\n"), R"(error "ERR no")");
  EXPECT_EQ(One(":-42\r\n"), "-42");
  EXPECT_EQ(One("$3\r\na\r\n\r\n"), R"("a\x0d\x0a")");
  EXPECT_EQ(One("$0\r\n\r\n"), R"("")");
  EXPECT_EQ(One("$-1\r\n"), "null");
  EXPECT_EQ(One("*-1\r\n"), "null");
  EXPECT_EQ(One("*0\r\n"), "[]");
  EXPECT_EQ(One("*2\r\n:1\r\n*1\r\n$1\r\nx\r\n"), R"([1, ["x"]])");
}

TEST(ReplyParser, ReadsEveryTypeOfResp3) {
  EXPECT_EQ(One("_\r\n"), "null");
  EXPECT_EQ(One("#t\r\n"), "true");
  EXPECT_EQ(One("#f\r\n"), "false");
  EXPECT_EQ(One(",1.5\r\n"), "1.5");
  EXPECT_EQ(One(",inf\r\n"), "inf");
  EXPECT_EQ(One(",-inf\r\n"), "-inf");
  EXPECT_EQ(One(",nan\r\n"), "nan");
  EXPECT_EQ(One("(3492890328409238509324850943850943825024385\r\n"),
            "3492890328409238509324850943850943825024385");
  EXPECT_EQ(One("!5\r\nERR x\r\n"), R"(error "ERR x")");
  EXPECT_EQ(One("=6\r\ntxt:hi\r\n"), R"("hi")");
  EXPECT_EQ(One("~2\r\n:1\r\n:2\r\n"), "set {1, 2}");
  EXPECT_EQ(One("%1\r\n+k\r\n:2\r\n"), R"({"k": 2})");
  EXPECT_EQ(One(">2\r\n+message\r\n+x\r\n"), R"(push ["message", "x"])");
  EXPECT_EQ(One("%0\r\n"), "{}");
}

TEST(ReplyParser, PutsAttributesOnTheValueTheyStandBefore) {
  EXPECT_EQ(One("|1\r\n+ttl\r\n:3\r\n$1\r\nv\r\n"), R"(|"ttl": 3| "v")");
  EXPECT_EQ(One("*2\r\n|1\r\n+a\r\n:1\r\n*1\r\n:7\r\n:8\r\n"), R"([|"a": 1| [7], 8])");
  EXPECT_EQ(One("|1\r\n+a\r\n:1\r\n|1\r\n+b\r\n:2\r\n:3\r\n"), R"(|"a": 1, "b": 2| 3)");
  EXPECT_EQ(One("|0\r\n:3\r\n"), "3");
}

TEST(ReplyParser, GivesTheSameRepliesInPiecesOfAnySize) {
  const std::string stream =
      "+OK\r\n*3\r\n$5\r\nhello\r\n|1\r\n+a\r\n*1\r\n:1\r\n~1\r\n,0.25\r\n%1\r\n#t\r\n_\r\n"
      ">3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$4\r\n\r\n\r\n\r\n=8\r\nmkd:text\r\n-ERR e\r\n";
  const Replies whole = Parse(stream, stream.size());
  ASSERT_EQ(whole.error, "");
  ASSERT_EQ(whole.texts.size(), 5u);
  for (size_t piece = 1; piece < stream.size(); ++piece)
    ASSERT_EQ(Parse(stream, piece).texts, whole.texts) << "pieces of " << piece;
}

TEST(ReplyParser, RefusesWhatIsNoReply) {
  for (const char* bad :
       {"x\r\n",           "\r\n",     ":\r\n",   ":1x\r\n",   ":+1\r\n", "$\r\n",
        "$-2\r\n",         "*-2\r\n",  "%-1\r\n", "#x\r\n",    "_x\r\n",  ",\r\n",
        ",1.2.3\r\n",      "(12a\r\n", "(\r\n",   "$1\r\nxyz", "+a\rb",   "=3\r\ntxt\r\n",
        "=5\r\ntxt-x\r\n", "$?\r\n",   "*?\r\n"})
    EXPECT_NE(Parse(bad, 100).error, "") << bad;
}

TEST(ReplyParser, StaysFailed) {
  ReplyParser parser;
  EXPECT_EQ(parser.Next("x\r\n"), ParseStatus::kProtocolError);
  EXPECT_EQ(parser.Next("+OK\r\n"), ParseStatus::kProtocolError);
}

TEST(ReplyParser, BoundsDepthLinesItemsAndBulks) {
  std::string deep;
  for (int i = 0; i < 64; ++i) deep += "*1\r\n";
  EXPECT_EQ(Parse(deep + ":1\r\n", 1'000).error, "");
  EXPECT_NE(Parse("*1\r\n" + deep + ":1\r\n", 1'000).error, "");
  EXPECT_NE(Parse("+" + std::string(100, 'x'), 7, {.max_line_bytes = 50}).error, "");
  EXPECT_NE(Parse("*11\r\n", 9, {.max_items = 10}).error, "");
  EXPECT_NE(Parse("%6\r\n", 9, {.max_items = 10}).error, "");
  EXPECT_NE(Parse("$11\r\n", 9, {.max_bulk_bytes = 10}).error, "");
  EXPECT_NE(Parse("*18446744073709551615\r\n", 99).error, "");
  EXPECT_NE(Parse("%9223372036854775808\r\n", 99).error, "");
}

TEST(Value, ComparesWholeTrees) {
  ReplyParser left, right;
  ASSERT_EQ(left.Next("%1\r\n+k\r\n,nan\r\n"), ParseStatus::kRequest);
  ASSERT_EQ(right.Next("%1\r\n+k\r\n,nan\r\n"), ParseStatus::kRequest);
  EXPECT_EQ(left.value(), right.value());
  right.value().items[0].text = "other";
  EXPECT_FALSE(left.value() == right.value());
}

}  // namespace
}  // namespace peal::protocol
