// The value of a DUMP payload, of any octets: it is refused, or it is a sound value that is written
// and read again the same. The first octet chooses the limits of the encodings.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/check.h"
#include "store/rdb/payload.h"
#include "tests/store/rdb_values.h"

using peal::tests::OwnedEntry;

namespace store = peal::store;

namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;

// What commands do with a value must find it sound.

void Use(store::ListValue& list, const store::EncodingLimits& limits) {
  for (auto at = list.At(-1); at; at.Previous()) static_cast<void>(at.Get());
  list.Push(store::ListValue::End::kHead, "new", limits);
  list.Push(store::ListValue::End::kTail, "7", limits);
  list.Remove(store::ListValue::End::kTail, "a", 2, limits);
  list.Erase(list.Count() / 2, 1, limits);
}

void Use(store::SetValue& set, const store::EncodingLimits& limits) {
  std::vector<std::string> members;
  set.ForEach([&](const store::ListpackItem& member) { members.push_back(member.ToString()); });
  for (const std::string& member : members) PEAL_CHECK(set.Contains(member));
  static_cast<void>(set.RandomMember([] { return uint64_t{12'345}; }));
  set.Add("new", limits);
  set.Add("-7", limits);
  for (const std::string& member : members) PEAL_CHECK(set.Remove(member));
}

void Use(store::ZsetValue& zset, const store::EncodingLimits& limits) {
  PEAL_CHECK(zset.IsSound());
  std::vector<std::pair<std::string, double>> members;
  zset.ForEach([&](std::string_view member, double score) { members.emplace_back(member, score); });
  for (size_t rank = 0; rank < members.size(); ++rank) {
    const auto& [member, score] = members[rank];
    PEAL_CHECK(zset.Score(member) == score && zset.Rank(member)->rank == rank);
  }
  double score = 1.5;
  zset.Add("new", score, {}, limits);
  for (const auto& [member, score_before] : members) PEAL_CHECK(zset.Erase(member));
  PEAL_CHECK(zset.IsSound());
}

void Use(store::HashValue& hash, const store::EncodingLimits& limits) {
  std::vector<std::string> fields;
  hash.ForEach(INT64_MIN,
               [&](std::string_view field, std::string_view) { fields.emplace_back(field); });
  store::HashValue::Digits digits;
  for (const std::string& field : fields) PEAL_CHECK(hash.Get(field, INT64_MIN, digits));
  hash.Set("new", "value", limits, kNowMs);
  std::vector<std::string> removed;
  hash.RemoveExpired(kNowMs, fields.size(), removed);
  for (const std::string& field : fields) hash.Erase(field, kNowMs);
}

void Use(store::StreamValue& stream, const store::EncodingLimits& limits) {
  std::vector<store::StreamId> ids;
  store::StreamCursor backwards(stream, {}, store::StreamId::Max(), true);
  while (backwards.Next()) ids.push_back(backwards.id());
  PEAL_CHECK(ids.size() == stream.length());
  for (const store::StreamId id : ids) PEAL_CHECK(stream.Contains(id));
  for (const auto& [name, group] : stream.groups()) static_cast<void>(stream.LagOf(*group));
  static_cast<void>(stream.EntriesUpTo(stream.last_id()));
  if (const auto id = stream.NextId(kNowMs)) {
    const std::string_view fields[] = {"field", "value"};
    stream.Append(limits, *id, fields);
  }
  for (size_t i = 0; i < ids.size(); i += 2) PEAL_CHECK(stream.Delete(ids[i]));
  stream.TrimFront({.approximate = true, .max_length = 2});
  stream.TrimFront({.max_length = 1});
}

void Use(store::ValueObject& object, const store::EncodingLimits& limits) {
  switch (object.type()) {
    case store::ValueType::kList:
      return Use(static_cast<store::ListValue&>(object), limits);
    case store::ValueType::kSet:
      return Use(static_cast<store::SetValue&>(object), limits);
    case store::ValueType::kZset:
      return Use(static_cast<store::ZsetValue&>(object), limits);
    case store::ValueType::kHash:
      return Use(static_cast<store::HashValue&>(object), limits);
    case store::ValueType::kStream:
      return Use(static_cast<store::StreamValue&>(object), limits);
    case store::ValueType::kString:
      break;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  peal::store::EncodingLimits limits;
  if ((data[0] & 1) != 0) {
    limits.hash_max_listpack_entries = limits.set_max_listpack_entries =
        limits.zset_max_listpack_entries = limits.set_max_intset_entries = 2;
    limits.list_max_listpack_size = 2;
  }
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  auto value = peal::store::rdb::LoadPayload(body, limits);
  if (!value) return 0;
  const OwnedEntry entry = peal::tests::EntryOf(std::move(*value));
  const std::string shown = peal::tests::Show(*entry);
  const bool compresses = (data[0] & 2) != 0;
  const std::string payload = peal::store::rdb::DumpPayload(*entry, compresses);
  const auto again_body = peal::store::rdb::PayloadBody(payload);
  PEAL_CHECK(again_body);
  auto again = peal::store::rdb::LoadPayload(*again_body, limits);
  PEAL_CHECK(again);
  const OwnedEntry again_entry = peal::tests::EntryOf(std::move(*again));
  PEAL_CHECK(peal::tests::Show(*again_entry) == shown);
  if (!entry->is_string()) {
    const auto clone = entry->object()->Clone();
    PEAL_CHECK(clone->Count() == entry->object()->Count());
    Use(*clone, limits);
    Use(*entry->object(), limits);
    PEAL_CHECK(entry->object()->MemoryBytes() < size_t{1} << 40);  // no count went below zero
  }
  return 0;
}
