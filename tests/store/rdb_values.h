// Values of payloads, for tests: shown as text, and put into entries.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "store/keyspace/entry.h"
#include "store/rdb/crc64.h"
#include "store/rdb/payload.h"
#include "store/rdb/writer.h"
#include "store/value/hash_value.h"
#include "store/value/list_value.h"
#include "store/value/set_value.h"
#include "store/value/stream_value.h"
#include "store/value/zset_value.h"

namespace peal::tests {

struct FreeEntry {
  void operator()(store::Entry* entry) const { store::Entry::Destroy(entry); }
};
using OwnedEntry = std::unique_ptr<store::Entry, FreeEntry>;

inline OwnedEntry StringEntry(std::string_view text) {
  const auto number = protocol::ParseInt64(text);
  if (number) return OwnedEntry(store::Entry::NewInt("key", *number, store::Entry::kNoExpiry));
  if (text.size() <= store::Entry::kMaxEmbeddedBytes)
    return OwnedEntry(store::Entry::NewEmbedded("key", text, store::Entry::kNoExpiry));
  return OwnedEntry(
      store::Entry::NewShared("key", store::SharedBytes::Copy(text), store::Entry::kNoExpiry));
}

inline OwnedEntry ObjectEntry(std::unique_ptr<store::ValueObject> object) {
  const store::ValueType type = object->type();
  return OwnedEntry(
      store::Entry::NewObject("key", type, object.release(), store::Entry::kNoExpiry));
}

inline OwnedEntry EntryOf(store::rdb::LoadedValue value) {
  return value.object == nullptr ? StringEntry(value.string) : ObjectEntry(std::move(value.object));
}

inline std::string Quoted(std::string_view text) {
  return std::to_string(text.size()) + ":" + std::string(text) + " ";
}

inline std::string ShowStream(const store::StreamValue& stream) {
  std::string out =
      "last " + stream.last_id().ToString() + " first " + stream.first_id().ToString() +
      " deleted " + stream.max_deleted_id().ToString() + " added " +
      std::to_string(stream.entries_added()) + " length " + std::to_string(stream.length()) + "\n";
  store::StreamCursor cursor(stream, {}, store::StreamId::Max());
  while (cursor.Next()) {
    out += cursor.id().ToString() + " ";
    cursor.ForEachField([&](const store::ListpackItem& field, const store::ListpackItem& value) {
      out += Quoted(field.ToString()) + Quoted(value.ToString());
    });
    out += "\n";
  }
  for (const auto& [name, group] : stream.groups()) {
    out += "group " + Quoted(name) + group->last_id.ToString() + " " +
           std::to_string(group->entries_read) + "\n";
    for (const auto& [id, pending] : group->pending()) {
      out += id.ToString() + " " + std::to_string(pending.delivered_ms) + " " +
             std::to_string(pending.deliveries) + " " + Quoted(pending.consumer->name()) + "\n";
    }
    for (const auto& [consumer_name, consumer] : group->consumers()) {
      out += "consumer " + Quoted(consumer_name) + std::to_string(consumer->seen_ms) + " " +
             std::to_string(consumer->pending().size()) + "\n";
    }
  }
  return out;
}

/// Everything of a value but its encoding; sets and hashes in the order of their members.
inline std::string Show(const store::Entry& entry) {
  if (entry.is_string()) return "string " + entry.CopyString();
  const store::ValueObject& object = *entry.object();
  std::vector<std::string> parts;
  std::string out(store::TypeName(entry.type()));
  out += " ";
  switch (entry.type()) {
    case store::ValueType::kList: {
      const auto& list = static_cast<const store::ListValue&>(object);
      for (auto at = list.At(0); at; at.Next()) parts.push_back(Quoted(at.Get().ToString()));
      break;
    }
    case store::ValueType::kSet: {
      static_cast<const store::SetValue&>(object).ForEach(
          [&](const store::ListpackItem& member) { parts.push_back(Quoted(member.ToString())); });
      std::sort(parts.begin(), parts.end());
      break;
    }
    case store::ValueType::kZset: {
      static_cast<const store::ZsetValue&>(object).ForEach(
          [&](std::string_view member, double score) {
            parts.push_back(Quoted(member) + std::to_string(score) + " ");
          });
      break;
    }
    case store::ValueType::kHash: {
      const auto& hash = static_cast<const store::HashValue&>(object);
      hash.ForEach(INT64_MIN, [&](std::string_view field, std::string_view value) {
        parts.push_back(Quoted(field) + Quoted(value) + std::to_string(hash.ExpiryOf(field)) + " ");
      });
      std::sort(parts.begin(), parts.end());
      break;
    }
    case store::ValueType::kStream:
      return ShowStream(static_cast<const store::StreamValue&>(object));
    case store::ValueType::kString:
      break;
  }
  for (const std::string& part : parts) out += part;
  return out;
}

/// A payload of `body` with a right footer.
inline std::string Sealed(std::string body, unsigned version = 10) {
  body += static_cast<char>(version);
  body += static_cast<char>(version >> 8);
  const uint64_t crc = store::rdb::Crc64(body);
  store::rdb::Writer(body).Uint64(crc);
  return body;
}

}  // namespace peal::tests
