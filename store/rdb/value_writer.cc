#include "store/rdb/value_writer.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"
#include "store/value/hash_value.h"
#include "store/value/list_value.h"
#include "store/value/set_value.h"
#include "store/value/stream_value.h"
#include "store/value/zset_value.h"

namespace peal::store::rdb {
namespace {

constexpr int64_t kBeforeAllTimes = INT64_MIN;  // the time at which no field has expired

template <typename T>
const T& As(const Entry& entry) {
  PEAL_DCHECK(entry.type() == T::kType);
  return static_cast<const T&>(*entry.object());
}

void WriteString(Writer& writer, const Entry& entry) {
  switch (entry.encoding()) {
    case Entry::Encoding::kInt:
      return writer.IntegerString(entry.int_value());
    case Entry::Encoding::kEmbedded:
      return writer.String(entry.embedded_value());
    case Entry::Encoding::kShared:
      return writer.String(entry.shared_block()->view());
    case Entry::Encoding::kObject:
      break;
  }
  PEAL_DCHECK(false);
}

void WriteList(Writer& writer, const ListValue& list) {
  uint64_t packs = 0;
  list.ForEachPack([&](const Listpack&) { ++packs; });
  writer.Length(packs);
  list.ForEachPack([&](const Listpack& pack) {
    writer.Length(kNodePacked);
    writer.String(pack.Block());
  });
}

void WriteSet(Writer& writer, const SetValue& set) {
  if (set.intset() != nullptr) return writer.String(set.intset()->Block());
  writer.Length(set.Count());
  set.ForEach([&](const ListpackItem& member) {
    if (member.is_integer) {
      writer.IntegerString(member.integer);
    } else {
      writer.String(member.bytes);
    }
  });
}

void WriteZset(Writer& writer, const ZsetValue& zset) {
  if (zset.is_small()) return writer.String(zset.listpack().Block());
  writer.Length(zset.Count());
  // From the greatest on, as Redis does: its reader then always inserts at the front.
  for (ZsetValue::Cursor at = zset.At(zset.Count() - 1); at.valid(); at.Previous()) {
    writer.String(at.member());
    writer.Double(at.score());
  }
}

// ---------------------------------------------------------------- hashes

/// Fields with their times in ascending order, those without one at the end: as Redis keeps them.
void WriteTimedListpack(Writer& writer, const HashValue& hash) {
  struct Field {
    std::string field;
    std::string value;
    int64_t at_ms;
  };
  std::vector<Field> fields;
  fields.reserve(hash.Count());
  hash.ForEach(kBeforeAllTimes, [&](std::string_view field, std::string_view value) {
    fields.push_back({std::string(field), std::string(value), hash.ExpiryOf(field)});
  });
  // No time, a negative number, comes last.
  std::stable_sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) {
    return static_cast<uint64_t>(a.at_ms) < static_cast<uint64_t>(b.at_ms);
  });
  Listpack triples;
  for (const Field& field : fields) {
    triples.Append(field.field);
    triples.Append(field.value);
    triples.AppendInteger(std::max<int64_t>(field.at_ms, 0));
  }
  writer.Uint64(static_cast<uint64_t>(hash.NextExpiryMs()));
  writer.String(triples.Block());
}

void WriteHash(Writer& writer, const HashValue& hash) {
  const bool has_times = hash.NextExpiryMs() != HashValue::kNoExpiry;
  if (hash.is_small())
    return has_times ? WriteTimedListpack(writer, hash) : writer.String(hash.listpack().Block());
  const int64_t first_ms = hash.NextExpiryMs();
  if (has_times) writer.Uint64(static_cast<uint64_t>(first_ms));
  writer.Length(hash.Count());
  hash.ForEach(kBeforeAllTimes, [&](std::string_view field, std::string_view value) {
    if (has_times) {
      const int64_t at_ms = hash.ExpiryOf(field);
      writer.Length(at_ms == HashValue::kNoExpiry ? 0
                                                  : static_cast<uint64_t>(at_ms - first_ms + 1));
    }
    writer.String(field);
    writer.String(value);
  });
}

// ---------------------------------------------------------------- streams

void WriteId(Writer& writer, StreamId id) {
  writer.Length(id.ms);
  writer.Length(id.seq);
}

void WriteRawId(Writer& writer, StreamId id) {
  writer.Uint64BigEndian(id.ms);
  writer.Uint64BigEndian(id.seq);
}

/// `more`, if there is one, belongs to it as well.
void WriteConsumer(Writer& writer, const StreamConsumer& consumer, const StreamConsumer* more) {
  writer.String(consumer.name());
  writer.Uint64(static_cast<uint64_t>(consumer.seen_ms));
  writer.Length(consumer.pending().size() + (more == nullptr ? 0 : more->pending().size()));
  for (const auto& [id, pending] : consumer.pending()) WriteRawId(writer, id);
  if (more == nullptr) return;
  for (const auto& [id, pending] : more->pending()) WriteRawId(writer, id);
}

void WriteGroup(Writer& writer, const StreamGroup& group) {
  writer.String(group.name());
  WriteId(writer, group.last_id);
  writer.Length(static_cast<uint64_t>(group.entries_read));
  writer.Length(group.pending().size());
  for (const auto& [id, pending] : group.pending()) {
    WriteRawId(writer, id);
    writer.Uint64(static_cast<uint64_t>(pending.delivered_ms));
    writer.Length(pending.deliveries);
  }
  // Differs: version 10 has no place for what XNACK released, so it goes to a consumer without a
  // name, and is as claimable there.
  const StreamConsumer* const released = group.released();
  const bool has_released = released != nullptr && !released->pending().empty();
  const bool has_nameless = group.FindConsumer("") != nullptr;
  writer.Length(group.consumers().size() + (has_released && !has_nameless ? 1 : 0));
  if (has_released && !has_nameless) WriteConsumer(writer, *released, nullptr);
  for (const auto& [name, consumer] : group.consumers()) {
    WriteConsumer(writer, *consumer, has_released && name.empty() ? released : nullptr);
  }
}

void WriteStream(Writer& writer, const StreamValue& stream) {
  writer.Length(stream.nodes().size());
  for (const auto& [base, node] : stream.nodes()) {
    constexpr uint64_t kIdBytes = 16;
    writer.Length(kIdBytes);
    WriteRawId(writer, base);
    writer.String(node.Block());
  }
  writer.Length(stream.length());
  WriteId(writer, stream.last_id());
  WriteId(writer, stream.first_id());
  WriteId(writer, stream.max_deleted_id());
  writer.Length(stream.entries_added());
  writer.Length(stream.groups().size());
  for (const auto& [name, group] : stream.groups()) WriteGroup(writer, *group);
}

}  // namespace

Form FormOf(const Entry& entry) {
  switch (entry.type()) {
    case ValueType::kString:
      return Form::kString;
    case ValueType::kList:
      return Form::kListQuicklist2;
    case ValueType::kSet:
      return As<SetValue>(entry).intset() != nullptr ? Form::kSetIntset : Form::kSet;
    case ValueType::kZset:
      return As<ZsetValue>(entry).is_small() ? Form::kZsetListpack : Form::kZset2;
    case ValueType::kHash: {
      const auto& hash = As<HashValue>(entry);
      if (hash.NextExpiryMs() != HashValue::kNoExpiry)
        return hash.is_small() ? Form::kHashListpackTimes : Form::kHashTimes;
      return hash.is_small() ? Form::kHashListpack : Form::kHash;
    }
    case ValueType::kStream:
      break;
  }
  return Form::kStream2;
}

uint16_t VersionOf(Form form) {
  constexpr uint16_t kVersionOfRedis72 = 11;
  if (form >= Form::kHashTimesEarly) return kLastVersion;
  return form >= Form::kSetListpack ? kVersionOfRedis72 : kVersion;
}

void WriteValue(Writer& writer, const Entry& entry) {
  switch (entry.type()) {
    case ValueType::kString:
      return WriteString(writer, entry);
    case ValueType::kList:
      return WriteList(writer, As<ListValue>(entry));
    case ValueType::kSet:
      return WriteSet(writer, As<SetValue>(entry));
    case ValueType::kZset:
      return WriteZset(writer, As<ZsetValue>(entry));
    case ValueType::kHash:
      return WriteHash(writer, As<HashValue>(entry));
    case ValueType::kStream:
      return WriteStream(writer, As<StreamValue>(entry));
  }
}

}  // namespace peal::store::rdb
