#include "store/value/stream_value.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace peal::store {
namespace {

using Fields = std::vector<std::string>;
using Model = std::map<StreamId, Fields>;
using Entries = std::vector<std::pair<StreamId, Fields>>;

void Append(StreamValue& stream, const EncodingLimits& limits, StreamId id, const Fields& fields) {
  const std::vector<std::string_view> views(fields.begin(), fields.end());
  stream.Append(limits, id, views);
}

Fields FieldsOf(const StreamCursor& cursor) {
  Fields fields;
  cursor.ForEachField([&](const ListpackItem& field, const ListpackItem& value) {
    fields.push_back(field.ToString());
    fields.push_back(value.ToString());
  });
  return fields;
}

Entries Walk(const StreamValue& stream, StreamId first, StreamId last, bool backwards = false) {
  Entries entries;
  StreamCursor cursor(stream, first, last, backwards);
  while (cursor.Next()) entries.emplace_back(cursor.id(), FieldsOf(cursor));
  return entries;
}

Entries Expected(const Model& model, StreamId first, StreamId last) {
  Entries entries;
  for (auto at = model.lower_bound(first); at != model.end() && at->first <= last; ++at) {
    entries.emplace_back(*at);
  }
  return entries;
}

void ExpectSame(const StreamValue& stream, const Model& model) {
  EXPECT_EQ(stream.length(), model.size());
  EXPECT_EQ(stream.first_id(), model.empty() ? StreamId() : model.begin()->first);
  EXPECT_EQ(stream.LastEntryId(), model.empty() ? StreamId() : model.rbegin()->first);
  EXPECT_EQ(Walk(stream, StreamId(), StreamId::Max()),
            Expected(model, StreamId(), StreamId::Max()));
}

std::string Hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[static_cast<unsigned char>(byte) & 15];
  }
  return text;
}

std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

// What redis-server 7.0.15 dumps for the stream below.
constexpr const char* kFirstNode =
    "590000002200030101010201816102816202000102010001000101018374776f040501030100010101030104010501"
    "0"
    "0010101dfff020101816102010106010001c3e30206010201817802817902817a02f290eefe040801ff";
constexpr const char* kSecondNode =
    "2d0000000f0002010001010181710200010201000100018568656c6c6f060401020100010101823030030401ff";

void Fill(StreamValue& stream) {
  EncodingLimits limits;
  limits.stream_node_max_entries = 4;
  Append(stream, limits, {5, 1}, {"a", "1", "b", "two"});
  Append(stream, limits, {5, 2}, {"a", "3", "b", "4"});
  Append(stream, limits, {6, 0}, {"a", "1"});
  Append(stream, limits, {1000, 7}, {"x", "y", "z", "-70000"});
  Append(stream, limits, {1001, 0}, {"q", "hello"});
  Append(stream, limits, {1001, 1}, {"q", "00"});
  EXPECT_TRUE(stream.Delete({5, 2}));
}

TEST(StreamValue, LaysOutItsNodesAsRedisDoes) {
  StreamValue stream;
  Fill(stream);
  ASSERT_EQ(stream.nodes().size(), 2U);
  EXPECT_EQ(stream.nodes().begin()->first, (StreamId{5, 1}));
  EXPECT_EQ(Hex(stream.nodes().begin()->second.Block()), kFirstNode);
  EXPECT_EQ(stream.nodes().rbegin()->first, (StreamId{1001, 0}));
  EXPECT_EQ(Hex(stream.nodes().rbegin()->second.Block()), kSecondNode);
}

TEST(StreamValue, TakesForeignNodes) {
  StreamValue same;
  Fill(same);
  StreamValue stream;
  ASSERT_TRUE(stream.AddNode({5, 1}, *Listpack::Parse(FromHex(kFirstNode))));
  EXPECT_FALSE(stream.AddNode({999, 0}, *Listpack::Parse(FromHex(kSecondNode))));
  ASSERT_TRUE(stream.AddNode({1001, 0}, *Listpack::Parse(FromHex(kSecondNode))));
  EXPECT_FALSE(stream.SetFacts({1001, 0}, {5, 2}, 6));
  ASSERT_TRUE(stream.SetFacts({1001, 1}, {5, 2}, 6));
  EXPECT_EQ(stream.length(), 5U);
  EXPECT_EQ(stream.first_id(), (StreamId{5, 1}));
  EXPECT_EQ(Walk(stream, {}, StreamId::Max()), Walk(same, {}, StreamId::Max()));
}

TEST(StreamValue, RefusesNodesThatAreNotSound) {
  // Whatever is accepted must be safe to walk, to delete from and to trim.
  std::mt19937_64 random(7);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string block = FromHex(round % 2 == 0 ? kFirstNode : kSecondNode);
    for (int i = 0; i < 1 + round % 3; ++i) {
      block[6 + random() % (block.size() - 7)] = static_cast<char>(random());
    }
    auto node = Listpack::Parse(block);
    StreamValue stream;
    if (!node || !stream.AddNode({5, 1}, std::move(*node))) continue;
    if (!stream.SetFacts(StreamId::Max(), {}, 9)) continue;
    ++accepted;
    const Entries entries = Walk(stream, {}, StreamId::Max());
    EXPECT_EQ(entries.size(), stream.length());
    Entries back = Walk(stream, {}, StreamId::Max(), true);
    std::reverse(back.begin(), back.end());
    EXPECT_EQ(entries, back);
    const uint64_t before = stream.length();
    StreamValue::Trim trim;
    trim.max_length = before - 1;
    EXPECT_EQ(stream.TrimFront(trim), 1U);
    for (size_t i = 1; i < entries.size(); ++i) EXPECT_TRUE(stream.Delete(entries[i].first));
    EXPECT_EQ(stream.length(), 0U);
  }
  EXPECT_GT(accepted, 100);
}

TEST(StreamValue, AgreesWithAMap) {
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    EncodingLimits limits;
    limits.stream_node_max_entries = seed % 4 == 0 ? 0 : 1 + random() % 12;
    limits.stream_node_max_bytes = seed % 3 == 0 ? 200 : 4096;
    StreamValue stream;
    Model model;
    StreamId last;
    uint64_t added = 0;
    const auto any_id = [&] { return StreamId{random() % (last.ms + 3), random() % 4}; };
    for (int step = 0; step < 600; ++step) {
      const uint64_t choice = random() % 100;
      if (choice < 60) {
        StreamId id = last;
        if (random() % 3 == 0) {
          id = {last.ms + 1 + random() % 3, random() % 2};
        } else {
          ASSERT_TRUE(id.Increment());
        }
        Fields fields;
        const uint64_t pairs = 1 + random() % 3;
        for (uint64_t i = 0; i < pairs; ++i) {
          fields.push_back(random() % 4 == 0 ? std::to_string(random() % 3)
                                             : std::string(1 + i, 'f'));
          fields.push_back(random() % 2 == 0 ? std::to_string(static_cast<int64_t>(random()))
                                             : std::string(random() % 90, 'v'));
        }
        Append(stream, limits, id, fields);
        model[id] = fields;
        last = id;
        ++added;
      } else if (choice < 80) {
        StreamId id = any_id();
        if (!model.empty() && random() % 2 == 0)
          id = std::next(model.begin(), static_cast<long>(random() % model.size()))->first;
        EXPECT_EQ(stream.Delete(id), model.erase(id) == 1);
      } else if (choice < 84) {
        StreamValue::Trim trim;
        trim.by_id = random() % 2 == 0;
        trim.approximate = random() % 2 == 0;
        trim.max_length = random() % 60;
        trim.min_id = any_id();
        if (trim.approximate && random() % 2 == 0) trim.limit = random() % 20;
        const uint64_t removed = stream.TrimFront(trim);
        if (!trim.approximate) {
          const size_t before = model.size();
          while (!model.empty() && (trim.by_id ? model.begin()->first < trim.min_id
                                               : model.size() > trim.max_length)) {
            model.erase(model.begin());
          }
          EXPECT_EQ(removed, before - model.size());
        } else {
          if (trim.limit != 0) {
            EXPECT_LE(removed, trim.limit);
          }
          for (uint64_t i = 0; i < removed; ++i) {
            if (trim.by_id) {
              EXPECT_LT(model.begin()->first, trim.min_id);
            }
            model.erase(model.begin());
          }
          if (!trim.by_id && removed > 0) {
            EXPECT_GE(model.size(), trim.max_length);
          }
        }
      } else {
        const StreamId first = any_id();
        const StreamId end = any_id();
        Entries expected = Expected(model, first, end);
        if (first > end) expected.clear();
        EXPECT_EQ(Walk(stream, first, end), expected);
        EXPECT_EQ(stream.CountRange(first, end, UINT64_MAX), expected.size());
        const uint64_t limit = random() % 10;
        EXPECT_EQ(stream.CountRange(first, end, limit), std::min<uint64_t>(limit, expected.size()));
        std::reverse(expected.begin(), expected.end());
        EXPECT_EQ(Walk(stream, first, end, true), expected);
        EXPECT_EQ(stream.Contains(first), model.contains(first));
      }
      if (step % 50 == 0) ExpectSame(stream, model);
    }
    ExpectSame(stream, model);
    EXPECT_EQ(stream.entries_added(), added);
    EXPECT_EQ(stream.last_id(), last);
    const std::unique_ptr<ValueObject> copy = stream.Clone();
    ExpectSame(static_cast<const StreamValue&>(*copy), model);
    StreamValue::Trim all;
    stream.TrimFront(all);
    EXPECT_EQ(stream.MemoryBytes(), sizeof(StreamValue));
  }
}

TEST(StreamValue, WalksInOrderWhenTheLastIdWasTakenBack) {
  // XSETID may go below an entry that was deleted; what follows must still be found.
  StreamValue stream;
  const EncodingLimits limits;
  for (const uint64_t ms : {5, 10}) Append(stream, limits, {ms, 0}, {"f", "v"});
  EXPECT_TRUE(stream.Delete({10, 0}));
  stream.set_last_id({7, 0});
  Append(stream, limits, {8, 0}, {"f", "v"});
  EXPECT_TRUE(stream.Contains({8, 0}));
  EXPECT_EQ(Walk(stream, {}, {9, 0}).size(), 2U);
  EXPECT_EQ(stream.CountRange({}, {9, 0}, 100), 2U);
  EXPECT_EQ(Walk(stream, {6, 0}, {9, 0}, true).size(), 1U);
  EXPECT_TRUE(stream.Delete({8, 0}));
  EXPECT_EQ(stream.LastEntryId(), (StreamId{5, 0}));
}

TEST(StreamValue, IsSoundWhenTheIdOfADeletedEntryWasTakenBack) {
  StreamValue stream;
  const EncodingLimits limits;
  EncodingLimits one_each;
  one_each.stream_node_max_entries = 1;
  for (const uint64_t ms : {1, 9}) Append(stream, limits, {ms, 0}, {"f", "v"});
  ASSERT_TRUE(stream.Delete({9, 0}));
  stream.set_last_id({1, 0});
  Append(stream, limits, {3, 0}, {"f", "v"});
  Append(stream, one_each, {5, 0}, {"f", "v"});
  ASSERT_EQ(stream.nodes().size(), 2U);
  EXPECT_TRUE(stream.IsSound());
  // Its nodes are taken as they are, but none that begins before what is there.
  StreamValue copy;
  for (const auto& [base, node] : stream.nodes()) EXPECT_TRUE(copy.AddNode(base, Listpack(node)));
  EXPECT_EQ(copy.length(), 3U);
  EXPECT_FALSE(copy.AddNode({4, 0}, Listpack(stream.nodes().rbegin()->second)));
}

TEST(StreamValue, CountsTheEntriesAddedUpToTheGreatestNumber) {
  StreamValue stream;
  const EncodingLimits limits;
  Append(stream, limits, {1, 0}, {"f", "v"});
  stream.set_entries_added(INT64_MAX);
  Append(stream, limits, {2, 0}, {"f", "v"});
  EXPECT_EQ(stream.entries_added(), uint64_t{INT64_MAX});
  const StreamGroup& group = *stream.AddGroup("g", {}, 5);
  EXPECT_EQ(stream.LagOf(group), INT64_MAX - 5);
}

TEST(StreamValue, TellsTheLagAsFarAsItIsKnown) {
  StreamValue stream;
  const EncodingLimits limits;
  StreamGroup& group = *stream.AddGroup("g", {}, StreamGroup::kUnknown);
  EXPECT_EQ(stream.LagOf(group), 0);
  for (uint64_t ms = 1; ms <= 5; ++ms) Append(stream, limits, {ms, 0}, {"f", "v"});
  EXPECT_EQ(stream.LagOf(group), 5);
  group.last_id = {1, 0};
  EXPECT_EQ(stream.LagOf(group), 4);
  group.last_id = {3, 0};
  EXPECT_EQ(stream.LagOf(group), std::nullopt);  // nobody counted
  group.entries_read = 3;
  EXPECT_EQ(stream.LagOf(group), 2);
  EXPECT_TRUE(stream.Delete({4, 0}));
  stream.NoteDeleted({4, 0});
  EXPECT_EQ(stream.LagOf(group), std::nullopt);
  group.last_id = {5, 0};
  group.entries_read = 5;
  EXPECT_EQ(stream.LagOf(group), 0);
}

TEST(StreamValue, TrimsWithRegardToGroups) {
  using References = StreamValue::References;
  for (const bool by_id : {false, true}) {
    for (const References references : {References::kDelete, References::kAcknowledged}) {
      StreamValue stream;
      EncodingLimits limits;
      limits.stream_node_max_entries = 4;
      for (uint64_t ms = 1; ms <= 20; ++ms) Append(stream, limits, {ms, 0}, {"f", "v"});
      StreamGroup& group = *stream.AddGroup("g", {18, 0}, 18);
      StreamConsumer& consumer = group.AddConsumer("c", 1);
      for (uint64_t ms = 3; ms <= 18; ms += 3) group.SetPending({ms, 0}, consumer, 1, 1);
      StreamValue::Trim trim;
      trim.references = references;
      trim.by_id = by_id;
      trim.max_length = 10;
      trim.min_id = {11, 0};
      const uint64_t removed = stream.TrimFront(trim);
      if (references == References::kDelete) {
        EXPECT_EQ(removed, 10U);
        EXPECT_EQ(stream.first_id(), (StreamId{11, 0}));
        EXPECT_EQ(group.pending().size(), 3U);  // 12, 15, 18
        EXPECT_TRUE(stream.max_deleted_id().IsZero());
      } else {
        EXPECT_EQ(removed, by_id ? 7U : 10U);
        EXPECT_EQ(stream.first_id(), (StreamId{3, 0}));
        EXPECT_EQ(group.pending().size(), 6U);
        EXPECT_EQ(stream.max_deleted_id(), by_id ? (StreamId{10, 0}) : (StreamId{14, 0}));
      }
    }
  }
}

TEST(StreamGroup, KeepsBothListsOfWhatIsPending) {
  StreamValue stream;
  const size_t empty_bytes = stream.MemoryBytes();
  ASSERT_NE(stream.AddGroup("g", {}, 0), nullptr);
  EXPECT_EQ(stream.AddGroup("g", {}, 0), nullptr);
  StreamGroup& group = *stream.FindGroup("g");
  StreamConsumer& anna = group.AddConsumer("anna", 1000);
  StreamConsumer& bert = group.AddConsumer(std::string(100, 'b'), 1000);
  const size_t bytes = stream.MemoryBytes();
  for (uint64_t ms = 1; ms <= 4; ++ms) group.SetPending({ms, 0}, anna, 5, 1);
  group.SetPending({2, 0}, bert, 6, 7);
  group.Reassign({3, 0}, *group.FindPending({3, 0}), bert);
  EXPECT_EQ(group.pending().size(), 4U);
  EXPECT_EQ(anna.pending().size(), 2U);
  EXPECT_EQ(bert.pending().size(), 2U);
  EXPECT_EQ(group.FindPending({2, 0})->deliveries, 7U);
  EXPECT_EQ(bert.pending().begin()->second, group.FindPending({2, 0}));
  EXPECT_TRUE(group.DeletePending({2, 0}));
  EXPECT_FALSE(group.DeletePending({2, 0}));

  const std::unique_ptr<ValueObject> copy = stream.Clone();
  EXPECT_EQ(copy->MemoryBytes(), stream.MemoryBytes());
  const StreamGroup& same = *static_cast<StreamValue&>(*copy).FindGroup("g");
  EXPECT_EQ(same.pending().size(), 3U);
  EXPECT_EQ(same.FindConsumer("anna")->pending().size(), 2U);
  EXPECT_NE(same.pending().begin()->second.consumer, &anna);

  EXPECT_EQ(group.DeleteConsumer(bert), 1U);
  EXPECT_TRUE(group.DeletePending({1, 0}));
  EXPECT_TRUE(group.DeletePending({4, 0}));
  EXPECT_LT(stream.MemoryBytes(), bytes);
  EXPECT_TRUE(stream.DeleteGroup("g"));
  EXPECT_FALSE(stream.DeleteGroup("g"));
  EXPECT_EQ(stream.MemoryBytes(), empty_bytes);
}

}  // namespace
}  // namespace peal::store
