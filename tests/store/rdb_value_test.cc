// Values in the RDB format: written and read again, read from every older form, and refused when
// anything in them is wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "store/rdb/format.h"
#include "store/rdb/payload.h"
#include "store/rdb/value_writer.h"
#include "store/rdb/writer.h"
#include "tests/store/old_packed.h"
#include "tests/store/rdb_values.h"

namespace peal::store::rdb {
namespace {

using tests::EntryOf;
using tests::Intset;
using tests::ObjectEntry;
using tests::OwnedEntry;
using tests::Sealed;
using tests::Show;
using tests::StringEntry;
using tests::Ziplist;
using tests::Zipmap;

const EncodingLimits kLimits;
constexpr int64_t kNever = ValueObject::kNoExpiry;

OwnedEntry Load(std::string_view payload, const EncodingLimits& limits = kLimits) {
  const auto body = PayloadBody(payload);
  if (!body) return nullptr;
  auto value = LoadPayload(*body, limits);
  return value ? EntryOf(std::move(*value)) : nullptr;
}

/// Collects the parts of a body.
class Body {
 public:
  explicit Body(Form form) : writer_(bytes_) { writer_.Byte(static_cast<uint8_t>(form)); }
  Body& Length(uint64_t length) {
    writer_.Length(length);
    return *this;
  }
  Body& String(std::string_view text) {
    writer_.String(text);
    return *this;
  }
  Body& Double(double value) {
    writer_.Double(value);
    return *this;
  }
  Body& Raw(std::string_view bytes) {
    writer_.Raw(bytes);
    return *this;
  }
  Body& Uint64(uint64_t value) {
    writer_.Uint64(value);
    return *this;
  }
  Body& RawId(uint64_t ms, uint64_t seq) {
    writer_.Uint64BigEndian(ms);
    writer_.Uint64BigEndian(seq);
    return *this;
  }
  std::string Payload(unsigned version = 10) const { return Sealed(bytes_, version); }

 private:
  std::string bytes_;
  Writer writer_;
};

/// What the payload holds, its encoding first; "refused" if it is not taken.
std::string Loaded(const Body& body, const EncodingLimits& limits = kLimits) {
  const OwnedEntry entry = Load(body.Payload(), limits);
  return entry == nullptr ? "refused" : std::string(entry->EncodingName()) + " " + Show(*entry);
}

Listpack Pack(const std::vector<std::string>& elements) {
  Listpack pack;
  for (const std::string& element : elements) pack.Append(element);
  return pack;
}
std::string PackBlock(const std::vector<std::string>& elements) {
  return std::string(Pack(elements).Block());
}

// ---------------------------------------------------------------- values of each encoding

OwnedEntry MakeList(const std::vector<std::string>& elements, const EncodingLimits& limits) {
  auto list = std::make_unique<ListValue>();
  for (const std::string& element : elements) list->Push(ListValue::End::kTail, element, limits);
  return ObjectEntry(std::move(list));
}
OwnedEntry MakeSet(const std::vector<std::string>& members, const EncodingLimits& limits) {
  auto set = std::make_unique<SetValue>();
  for (const std::string& member : members) set->Add(member, limits);
  return ObjectEntry(std::move(set));
}
OwnedEntry MakeZset(const std::vector<std::pair<std::string, double>>& members,
                    const EncodingLimits& limits) {
  auto zset = std::make_unique<ZsetValue>();
  for (auto [member, score] : members) zset->Add(member, score, {}, limits);
  return ObjectEntry(std::move(zset));
}
struct TimedField {
  std::string field;
  std::string value;
  int64_t at_ms = kNever;
};
OwnedEntry MakeHash(const std::vector<TimedField>& fields, const EncodingLimits& limits) {
  auto hash = std::make_unique<HashValue>();
  for (const TimedField& each : fields) {
    hash->Set(each.field, each.value, limits, 0);
    if (each.at_ms != kNever) hash->SetExpiry(each.field, each.at_ms);
  }
  return ObjectEntry(std::move(hash));
}
OwnedEntry MakeStream(int entries, bool has_groups, const EncodingLimits& limits) {
  auto stream = std::make_unique<StreamValue>();
  for (int i = 1; i <= entries; ++i) {
    const std::string value = std::to_string(i * 7);
    const std::string other = i % 5 == 0 ? "other" : "field";
    const std::string_view fields[] = {"n", value, other, "text"};
    stream->Append(limits, {static_cast<uint64_t>(1'000 + i / 3), static_cast<uint64_t>(i)},
                   fields);
  }
  for (int i = 3; i <= entries; i += 10) {
    const StreamId id = {static_cast<uint64_t>(1'000 + i / 3), static_cast<uint64_t>(i)};
    stream->Delete(id);
    stream->NoteDeleted(id);
  }
  if (has_groups) {
    StreamGroup* const group = stream->AddGroup("readers", {1'001, 5}, 4);
    StreamConsumer& ann = group->AddConsumer("ann", 123'456);
    StreamConsumer& bob = group->AddConsumer("bob", 123'457);
    ann.active_ms = 123'456;
    group->AddConsumer("idle", 99);
    group->SetPending({1'000, 1}, ann, 5'555, 1);
    group->SetPending({1'000, 2}, bob, 5'556, 70);
    group->SetPending({1'001, 4}, ann, 5'557, 3);
    stream->AddGroup("", {0, 0}, StreamGroup::kUnknown);
  }
  return ObjectEntry(std::move(stream));
}

std::vector<std::string> Elements(int count, const std::string& prefix = "element-") {
  std::vector<std::string> elements;
  for (int i = 0; i < count; ++i)
    elements.push_back(i % 4 == 0 ? std::to_string(i * 1'000'003ll) : prefix + std::to_string(i));
  return elements;
}

std::vector<OwnedEntry> OneOfEach() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  std::vector<OwnedEntry> all;
  for (const std::string& text :
       {std::string(), std::string("text"), std::string("12"), std::string("-9223372036854775808"),
        std::string(500, 'x'), std::string(100'000, 'y'), std::string("\0\xff", 2)})
    all.push_back(StringEntry(text));
  all.push_back(MakeList(Elements(5), kLimits));
  all.push_back(MakeList(Elements(5'000), kLimits));
  all.push_back(MakeList({std::string(20'000, 'x'), "small", std::string(9'000, 'y')}, kLimits));
  all.push_back(MakeSet({"1", "-5", "300"}, kLimits));
  all.push_back(MakeSet({"1", "70000"}, kLimits));
  all.push_back(MakeSet({"1", "9223372036854775807"}, kLimits));
  all.push_back(MakeSet(Elements(20), kLimits));
  all.push_back(MakeSet(Elements(1'000), kLimits));
  all.push_back(MakeZset({{"a", 1}, {"b", -kInfinity}, {"12", 0.1}, {"c", 1e300}}, kLimits));
  std::vector<std::pair<std::string, double>> scored;
  for (const std::string& member : Elements(500))
    scored.emplace_back(member, static_cast<double>(scored.size() % 37) / 3);
  scored.emplace_back("infinite", kInfinity);
  all.push_back(MakeZset(scored, kLimits));
  std::vector<TimedField> fields;
  for (const std::string& field : Elements(20)) fields.push_back({field, "value of " + field});
  all.push_back(MakeHash(fields, kLimits));
  fields[3].at_ms = 1'700'000'000'123;
  fields[7].at_ms = 1'700'000'000'000;
  all.push_back(MakeHash(fields, kLimits));
  for (const std::string& field : Elements(1'000, "more-")) fields.push_back({field, "12"});
  fields[500].at_ms = 1;
  fields[501].at_ms = static_cast<int64_t>(kLastFieldTime);
  all.push_back(MakeHash(fields, kLimits));
  for (TimedField& field : fields) field.at_ms = kNever;
  all.push_back(MakeHash(fields, kLimits));
  all.push_back(MakeStream(0, false, kLimits));
  all.push_back(MakeStream(0, true, kLimits));
  all.push_back(MakeStream(20, true, kLimits));
  all.push_back(MakeStream(1'000, true, kLimits));
  return all;
}

TEST(RdbValues, ComeBackInTheirEncodings) {
  for (const bool compresses : {true, false}) {
    for (const OwnedEntry& entry : OneOfEach()) {
      SCOPED_TRACE(std::string(entry->EncodingName()) + " " + Show(*entry).substr(0, 100));
      const std::string payload = DumpPayload(*entry, compresses);
      const OwnedEntry again = Load(payload);
      ASSERT_NE(again, nullptr);
      EXPECT_EQ(Show(*again), Show(*entry));
      EXPECT_EQ(again->EncodingName(), entry->EncodingName());
      EXPECT_EQ(Load(DumpPayload(*again, compresses)) != nullptr, true);
    }
  }
}

TEST(RdbValues, OnlyTimesOfFieldsNeedALaterVersion) {
  for (const OwnedEntry& entry : OneOfEach()) {
    const std::string payload = DumpPayload(*entry);
    const bool has_times = !entry->is_string() && entry->object()->NextExpiryMs() != kNever;
    EXPECT_EQ(payload[payload.size() - 10], has_times ? 12 : 10) << entry->EncodingName();
    EXPECT_EQ(payload[payload.size() - 9], 0);
  }
}

TEST(RdbValues, PayloadsOfOtherVersionsOrChecksumsAreRefused) {
  const std::string good = DumpPayload(*StringEntry("text"));
  ASSERT_TRUE(PayloadBody(good));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    EXPECT_FALSE(PayloadBody(bad)) << at;
  }
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(PayloadBody(std::string_view(good).substr(0, size)));
  const std::string body = good.substr(0, good.size() - 10);
  for (const unsigned version : {0u, 1u, 9u, 10u, 11u, 12u})
    EXPECT_TRUE(PayloadBody(Sealed(body, version))) << version;
  for (const unsigned version : {13u, 80u, 256u, 65'535u})
    EXPECT_FALSE(PayloadBody(Sealed(body, version))) << version;
  EXPECT_EQ(Load(Sealed("")), nullptr);
}

TEST(RdbValues, SmallLimitsGiveLargeEncodings) {
  EncodingLimits none;
  none.hash_max_listpack_entries = none.set_max_intset_entries = none.set_max_listpack_entries =
      none.zset_max_listpack_entries = 0;
  none.list_max_listpack_size = 1;
  for (const OwnedEntry& entry : OneOfEach()) {
    if (entry->is_string()) continue;
    const OwnedEntry again = Load(DumpPayload(*entry), none);
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(Show(*again), Show(*entry));
    EXPECT_NE(again->EncodingName(), "intset");
    if (again->object()->Count() > 1) {
      EXPECT_NE(again->EncodingName(), "listpack");
    }
  }
}

// ---------------------------------------------------------------- older forms

TEST(RdbValues, ListsAreReadFromEveryForm) {
  const std::string expected = "list 1:a 2:12 0: ";
  EXPECT_EQ(Loaded(Body(Form::kList).Length(3).String("a").String("12").String("")),
            "listpack " + expected);
  EXPECT_EQ(Loaded(Body(Form::kListZiplist).String(Ziplist({"a", "12", ""}))),
            "listpack " + expected);
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist)
                       .Length(3)
                       .String(Ziplist({"a"}))
                       .String(Ziplist({}))
                       .String(Ziplist({"12", ""}))),
            "quicklist " + expected);
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist2)
                       .Length(3)
                       .Length(kNodePlain)
                       .String("a")
                       .Length(kNodePacked)
                       .String(PackBlock({}))
                       .Length(kNodePacked)
                       .String(PackBlock({"12", ""}))),
            "quicklist " + expected);
}

TEST(RdbValues, WrongListsAreRefused) {
  EXPECT_EQ(Loaded(Body(Form::kList).Length(0)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kList).Length(2).String("a")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kList).Length(uint64_t{1} << 60).String("a")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListZiplist).String(Ziplist({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListZiplist).String("")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist).Length(0)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist).Length(1).String(Ziplist({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist2).Length(1).Length(kNodePlain).String("")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist2).Length(1).Length(3).String(PackBlock({"a"}))),
            "refused");
  EXPECT_EQ(Loaded(Body(Form::kListQuicklist2)
                       .Length(uint64_t{1} << 62)
                       .Length(kNodePacked)
                       .String(PackBlock({"a"}))),
            "refused");
}

TEST(RdbValues, SetsAreReadFromEveryForm) {
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(2).String("a").String("12")), "listpack set 1:a 2:12 ");
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(2).String("7").String("12")), "intset set 1:7 2:12 ");
  EXPECT_EQ(Loaded(Body(Form::kSetIntset).String(Intset({-70'000, 5}))),
            "intset set 1:5 6:-70000 ");
  EXPECT_EQ(Loaded(Body(Form::kSetListpack).String(PackBlock({"a", "12"}))),
            "listpack set 1:a 2:12 ");
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(1).String(std::string(65, 'x'))),
            "hashtable set 65:" + std::string(65, 'x') + " ");
}

TEST(RdbValues, WrongSetsAreRefused) {
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(0)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(2).String("a").String("a")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(2).String("1").String("1")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSet)
                       .Length(2)
                       .String("1")
                       .Raw(std::string("\1"
                                        "1",
                                        2))),
            "refused");
  EXPECT_EQ(Loaded(Body(Form::kSet).Length(3).String("a")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSetIntset).String(Intset({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSetIntset).String(Intset({1, 1}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSetIntset).String(Intset({2, 1}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSetListpack).String(PackBlock({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kSetListpack).String(PackBlock({"a", "b", "a"}))), "refused");
}

TEST(RdbValues, SortedSetsAreReadFromEveryForm) {
  const std::string expected = "listpack zset 2:12 -1.500000 1:b 2.000000 1:a inf ";
  EXPECT_EQ(Loaded(Body(Form::kZset)
                       .Length(3)
                       .String("a")
                       .Raw("\xfe")
                       .String("12")
                       .Raw("\4-1.5")
                       .String("b")
                       .Raw("\1"
                            "2")),
            expected);
  EXPECT_EQ(Loaded(Body(Form::kZset2)
                       .Length(3)
                       .String("a")
                       .Double(std::numeric_limits<double>::infinity())
                       .String("12")
                       .Double(-1.5)
                       .String("b")
                       .Double(2)),
            expected);
  EXPECT_EQ(Loaded(Body(Form::kZsetZiplist).String(Ziplist({"12", "-1.5", "b", "2", "a", "inf"}))),
            expected);
  EXPECT_EQ(
      Loaded(Body(Form::kZsetListpack).String(PackBlock({"12", "-1.5", "b", "2", "a", "inf"}))),
      expected);
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack)
                       .String(PackBlock({"b", "+2.0", "a", "Infinity", "12", "-0x1.8p0"}))),
            expected)
      << "out of order, and in other spellings";
}

TEST(RdbValues, WrongSortedSetsAreRefused) {
  EXPECT_EQ(Loaded(Body(Form::kZset2).Length(0)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZset2).Length(1).String("a").Double(std::nan(""))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZset2).Length(2).String("a").Double(1).String("a").Double(2)),
            "refused");
  EXPECT_EQ(Loaded(Body(Form::kZset).Length(1).String("a").Raw("\xfd")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZset).Length(1).String("a").Raw("\1x")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({"a"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({"a", "b"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({"a", "nan"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({"a", "1", "a", "2"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kZsetZiplist).String(Ziplist({"a", "1", "a", "2"}))), "refused");
  EncodingLimits none;
  none.zset_max_listpack_entries = 0;
  EXPECT_EQ(Loaded(Body(Form::kZsetListpack).String(PackBlock({"a", "1", "a", "2"})), none),
            "refused");
}

TEST(RdbValues, HashesAreReadFromEveryForm) {
  const std::string expected = "listpack hash 1:f 1:v -1 2:12 2:34 -1 ";
  EXPECT_EQ(Loaded(Body(Form::kHash).Length(2).String("f").String("v").String("12").String("34")),
            expected);
  EXPECT_EQ(Loaded(Body(Form::kHashZipmap).String(Zipmap({"f", "v", "12", "34"}, 2))), expected);
  EXPECT_EQ(Loaded(Body(Form::kHashZiplist).String(Ziplist({"f", "v", "12", "34"}))), expected);
  EXPECT_EQ(Loaded(Body(Form::kHashListpack).String(PackBlock({"f", "v", "12", "34"}))), expected);
  const std::string long_value(65, 'x');
  EXPECT_EQ(Loaded(Body(Form::kHash).Length(1).String("f").String(long_value)),
            "hashtable hash 1:f 65:" + long_value + " -1 ");
  EXPECT_EQ(Loaded(Body(Form::kHashZipmap).String(Zipmap({"f", long_value}))),
            "hashtable hash 1:f 65:" + long_value + " -1 ");
}

TEST(RdbValues, TimesOfFieldsAreReadFromEveryForm) {
  const std::string expected = "listpackex hash 1:f 1:v 5000 1:g 1:w -1 1:h 1:x 7000 ";
  EXPECT_EQ(Loaded(Body(Form::kHashTimes)
                       .Uint64(5'000)
                       .Length(3)
                       .Length(1)
                       .String("f")
                       .String("v")
                       .Length(0)
                       .String("g")
                       .String("w")
                       .Length(2'001)
                       .String("h")
                       .String("x")),
            expected);
  EXPECT_EQ(Loaded(Body(Form::kHashTimesEarly)
                       .Length(3)
                       .Length(5'000)
                       .String("f")
                       .String("v")
                       .Length(0)
                       .String("g")
                       .String("w")
                       .Length(7'000)
                       .String("h")
                       .String("x")),
            expected);
  const std::string block = PackBlock({"f", "v", "5000", "h", "x", "7000", "g", "w", "0"});
  EXPECT_EQ(Loaded(Body(Form::kHashListpackTimes).Uint64(5'000).String(block)), expected);
  EXPECT_EQ(Loaded(Body(Form::kHashListpackTimesEarly).String(block)), expected);
}

TEST(RdbValues, WrongHashesAreRefused) {
  EXPECT_EQ(Loaded(Body(Form::kHash).Length(0)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHash).Length(1).String("f")), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHash).Length(2).String("f").String("v").String("f").String("w")),
            "refused");
  EncodingLimits none;
  none.hash_max_listpack_entries = 0;
  EXPECT_EQ(
      Loaded(Body(Form::kHash).Length(2).String("f").String("v").String("f").String("w"), none),
      "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashListpack).String(PackBlock({}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashListpack).String(PackBlock({"f"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashListpack).String(PackBlock({"f", "v", "f", "w"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashZiplist).String(Ziplist({"1", "v", "1", "w"}))), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashZipmap).String(Zipmap({"f", "v", "f", "w"}))), "refused");
  const auto timed = [](const std::string& at, uint64_t first) {
    return Body(Form::kHashListpackTimes).Uint64(first).String(PackBlock({"f", "v", at}));
  };
  EXPECT_EQ(Loaded(timed("5", 5)), "listpackex hash 1:f 1:v 5 ");
  EXPECT_EQ(Loaded(timed("x", 5)), "refused");
  EXPECT_EQ(Loaded(timed("-1", 5)), "refused");
  EXPECT_EQ(Loaded(timed("281474976710656", 5)), "refused");
  EXPECT_EQ(Loaded(timed("5", uint64_t{1} << 60)), "refused");
  EXPECT_EQ(Loaded(Body(Form::kHashTimes)
                       .Uint64(kLastFieldTime)
                       .Length(1)
                       .Length(2)
                       .String("f")
                       .String("v")),
            "refused");
}

// ---------------------------------------------------------------- streams

constexpr uint64_t kStreamLength = 2;

/// A body of two entries, 5-1 and 5-2, up to the entries added; `length` as told.
Body StreamBody(Form form, uint64_t length = kStreamLength, uint64_t last_seq = 9) {
  StreamValue stream;
  const std::string_view fields[] = {"f", "v"};
  stream.Append(kLimits, {5, 1}, fields);
  stream.Append(kLimits, {5, 2}, fields);
  Body body(form);
  body.Length(1).Length(16).RawId(5, 1).String(stream.nodes().begin()->second.Block());
  body.Length(length).Length(5).Length(last_seq);
  if (form != Form::kStream) body.Length(5).Length(1).Length(3).Length(3).Length(40);
  return body;
}

TEST(RdbValues, StreamsAreReadFromEveryForm) {
  const std::string entries = "5-1 1:f 1:v \n5-2 1:f 1:v \n";
  EXPECT_EQ(Loaded(StreamBody(Form::kStream).Length(0)),
            "stream last 5-9 first 5-1 deleted 0-0 added 2 length 2\n" + entries);
  const std::string head = "stream last 5-9 first 5-1 deleted 3-3 added 40 length 2\n" + entries;
  EXPECT_EQ(Loaded(StreamBody(Form::kStream2).Length(0)), head);
  const auto with_group = [](Form form, bool has_active) {
    Body body = StreamBody(form);
    body.Length(1).String("group").Length(5).Length(2);
    if (form != Form::kStream) body.Length(7);
    body.Length(1).RawId(5, 1).Uint64(1'000).Length(3);
    body.Length(1).String("ann").Uint64(2'000);
    if (has_active) body.Uint64(1'500);
    body.Length(1).RawId(5, 1);
    return body;
  };
  const std::string pending = "5-1 1000 3 3:ann \nconsumer 3:ann 2000 1\n";
  EXPECT_EQ(Loaded(with_group(Form::kStream2, false)), head + "group 5:group 5-2 7\n" + pending);
  EXPECT_EQ(Loaded(with_group(Form::kStream3, true)), head + "group 5:group 5-2 7\n" + pending);
  EXPECT_EQ(Loaded(with_group(Form::kStream, false)),
            "stream last 5-9 first 5-1 deleted 0-0 added 2 length 2\n" + entries +
                "group 5:group 5-2 -1\n" + pending);
}

TEST(RdbValues, WrongStreamsAreRefused) {
  EXPECT_EQ(Loaded(StreamBody(Form::kStream2, 3).Length(0)), "refused") << "length";
  EXPECT_EQ(Loaded(StreamBody(Form::kStream2, 2, 1).Length(0)), "refused") << "last ID";
  EXPECT_EQ(Loaded(StreamBody(Form::kStream2).Length(1)), "refused") << "cut";
  const auto group = [] {
    Body body = StreamBody(Form::kStream2);
    body.Length(1).String("group").Length(5).Length(2).Length(7);
    return body;
  };
  EXPECT_NE(Loaded(group().Length(0).Length(0)), "refused");
  EXPECT_EQ(Loaded(group().Length(1).RawId(5, 1).Uint64(1).Length(1).Length(0)), "refused")
      << "pending for nobody";
  EXPECT_EQ(Loaded(group().Length(0).Length(1).String("ann").Uint64(1).Length(1).RawId(5, 1)),
            "refused")
      << "not pending in the group";
  EXPECT_EQ(Loaded(group()
                       .Length(1)
                       .RawId(5, 1)
                       .Uint64(1)
                       .Length(1)
                       .Length(2)
                       .String("ann")
                       .Uint64(1)
                       .Length(1)
                       .RawId(5, 1)
                       .String("bob")
                       .Uint64(1)
                       .Length(1)
                       .RawId(5, 1)),
            "refused")
      << "pending for two";
  EXPECT_EQ(Loaded(group()
                       .Length(0)
                       .Length(2)
                       .String("ann")
                       .Uint64(1)
                       .Length(0)
                       .String("ann")
                       .Uint64(1)
                       .Length(0)),
            "refused")
      << "a consumer twice";
  EXPECT_EQ(
      Loaded(
          Body(Form::kStream2).Length(1).String("short").String(PackBlock({"1", "0", "0", "0"}))),
      "refused");
}

TEST(RdbValues, HostileTimesOfStreamsAreBounded) {
  Body body = StreamBody(Form::kStream2);
  body.Length(1).String("g").Length(5).Length(2).Length(~uint64_t{0});
  body.Length(1).RawId(5, 1).Uint64(uint64_t{1} << 63).Length(~uint64_t{0});
  body.Length(1).String("ann").Uint64(uint64_t{1} << 63).Length(1).RawId(5, 1);
  EXPECT_THAT(Loaded(body), testing::HasSubstr("group 1:g 5-2 -1\n5-1 0 18446744073709551615 "
                                               "3:ann \nconsumer 3:ann 0 1\n"));
}

// ---------------------------------------------------------------- damage

TEST(RdbValues, UnknownFormsAreRefused) {
  for (unsigned form = 0; form < 256; ++form) {
    const bool is_known = form <= 5 || (form >= 9 && form <= 25);
    if (is_known) continue;
    EXPECT_EQ(Loaded(Body(static_cast<Form>(form)).Length(1).String("a").String("b")), "refused");
  }
}

TEST(RdbValues, CutPayloadsAreRefused) {
  for (const OwnedEntry& entry : OneOfEach()) {
    const std::string payload = DumpPayload(*entry, false);
    const std::string_view body = *PayloadBody(payload);
    const size_t step = body.size() / 300 + 1;
    for (size_t size = 0; size < body.size(); size += step)
      EXPECT_EQ(Load(Sealed(std::string(body.substr(0, size)))), nullptr);
  }
}

TEST(RdbValues, DamageUnderARightChecksumIsRefusedOrHarmless) {
  std::mt19937 random(20'231'115);
  std::vector<std::string> bodies;
  for (const OwnedEntry& entry : OneOfEach()) {
    for (const bool compresses : {true, false}) {
      const std::string payload = DumpPayload(*entry, compresses);
      if (payload.size() < 8'000) bodies.emplace_back(*PayloadBody(payload));
    }
  }
  for (const Body& body : {Body(Form::kListZiplist).String(Ziplist({"a", "12", "-300", "70000"})),
                           Body(Form::kHashZipmap).String(Zipmap({"f", "v", "g", "w"}, 1)),
                           Body(Form::kZsetZiplist).String(Ziplist({"a", "1", "b", "2"})),
                           Body(Form::kSetListpack).String(PackBlock({"a", "b", "12"}))}) {
    bodies.emplace_back(*PayloadBody(body.Payload()));
  }
  EncodingLimits small;
  small.hash_max_listpack_entries = small.set_max_listpack_entries =
      small.zset_max_listpack_entries = small.set_max_intset_entries = 2;
  size_t taken = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string body = bodies[random() % bodies.size()];
    // Most of what decides is at the beginning.
    const size_t range = random() % 2 == 0 ? body.size() : std::min<size_t>(body.size(), 64);
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      const size_t at = random() % range;
      body[at] = static_cast<char>(random() % 2 == 0 ? random() : body[at] + 1 - random() % 3);
    }
    if (random() % 8 == 0) body.resize(random() % body.size());
    const OwnedEntry entry = Load(Sealed(body), random() % 2 == 0 ? kLimits : small);
    if (entry == nullptr) continue;
    ++taken;
    const std::string shown = Show(*entry);
    const OwnedEntry again = Load(DumpPayload(*entry));
    ASSERT_NE(again, nullptr);
    ASSERT_EQ(Show(*again), shown);
  }
  EXPECT_GT(taken, 10'000u);
}

}  // namespace
}  // namespace peal::store::rdb
