#include "store/rdb/value_reader.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/base/number.h"
#include "store/rdb/format.h"
#include "store/rdb/packed.h"
#include "store/value/hash_value.h"
#include "store/value/list_value.h"
#include "store/value/listpack.h"
#include "store/value/set_value.h"
#include "store/value/stream_value.h"
#include "store/value/zset_value.h"

namespace peal::store::rdb {
namespace {

using Object = std::unique_ptr<ValueObject>;  // null: the value is wrong

constexpr int64_t kBeforeAllTimes = INT64_MIN;  // the time at which no field has expired

/// How an element block is packed.
enum class Packing : uint8_t { kListpack, kZiplist, kZipmap };

/// Reads a packed block of strings and integers.
std::optional<Listpack> ReadPack(Reader& reader, Packing packing) {
  std::string scratch;
  const std::string_view block = reader.String(scratch);
  if (!reader.ok()) return std::nullopt;
  switch (packing) {
    case Packing::kZiplist:
      return ListpackFromZiplist(block);
    case Packing::kZipmap:
      return ListpackFromZipmap(block);
    case Packing::kListpack:
      break;
  }
  return Listpack::Parse(block);
}

template <typename Fn>
void ForEachItem(const Listpack& pack, Fn fn) {
  for (Listpack::Position at = pack.First(); at != Listpack::kEnd; at = pack.Next(at))
    fn(pack.Get(at));
}

/// The same elements, with integers as such wherever they can be: what Listpack itself makes.
Listpack Normal(Listpack pack) {
  bool is_normal = true;
  ForEachItem(pack, [&](const ListpackItem& item) {
    is_normal = is_normal && (item.is_integer || !protocol::ParseInt64(item.bytes));
  });
  if (is_normal) return pack;
  Listpack normal;
  ForEachItem(pack, [&](const ListpackItem& item) {
    if (item.is_integer) {
      normal.AppendInteger(item.integer);
    } else {
      normal.Append(item.bytes);
    }
  });
  return normal;
}

/// Whether every `stride`-th element, the first one included, is there once only.
bool AreDistinct(const Listpack& pack, size_t stride) {
  std::vector<std::string> names;
  size_t index = 0;
  ForEachItem(pack, [&](const ListpackItem& item) {
    if (index++ % stride == 0) names.push_back(item.ToString());
  });
  std::sort(names.begin(), names.end());
  return std::adjacent_find(names.begin(), names.end()) == names.end();
}

// ---------------------------------------------------------------- lists

Object ReadPlainList(Reader& reader, const EncodingLimits& limits) {
  auto list = std::make_unique<ListValue>();
  std::string scratch;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const std::string_view element = reader.String(scratch);
    if (!reader.ok()) return nullptr;
    list->Push(ListValue::End::kTail, element, limits);
  }
  if (list->Count() == 0) return nullptr;
  return list;
}

Object ListOf(std::vector<Listpack> packs, const EncodingLimits& limits) {
  if (packs.empty()) return nullptr;
  return ListValue::OfPacks(std::move(packs), limits);
}

Object ReadZiplistList(Reader& reader, const EncodingLimits& limits) {
  auto pack = ReadPack(reader, Packing::kZiplist);
  if (!pack || pack->empty()) return nullptr;
  std::vector<Listpack> packs;
  packs.push_back(std::move(*pack));
  return ListOf(std::move(packs), limits);
}

Object ReadQuicklist(Reader& reader, Form form, const EncodingLimits& limits) {
  std::vector<Listpack> packs;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const uint64_t node = form == Form::kListQuicklist2 ? reader.Length() : kNodePacked;
    if (!reader.ok()) return nullptr;
    if (node == kNodePlain) {
      std::string scratch;
      const std::string_view element = reader.String(scratch);
      if (!reader.ok() || element.empty()) return nullptr;
      packs.emplace_back().Append(element);
      continue;
    }
    if (node != kNodePacked) return nullptr;
    auto pack =
        ReadPack(reader, form == Form::kListQuicklist ? Packing::kZiplist : Packing::kListpack);
    if (!pack) return nullptr;
    if (!pack->empty()) packs.push_back(Normal(std::move(*pack)));
  }
  return reader.ok() ? ListOf(std::move(packs), limits) : nullptr;
}

// ---------------------------------------------------------------- sets

Object FinishSet(std::unique_ptr<SetValue> set) {
  if (set == nullptr || set->Count() == 0) return nullptr;
  return set;
}

Object ReadPlainSet(Reader& reader, const EncodingLimits& limits) {
  auto set = std::make_unique<SetValue>();
  std::string scratch;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const std::string_view member = reader.String(scratch);
    if (!reader.ok() || !set->Add(member, limits)) return nullptr;
  }
  return FinishSet(std::move(set));
}

Object ReadIntegerSet(Reader& reader, const EncodingLimits& limits) {
  std::string scratch;
  auto members = Intset::Parse(reader.String(scratch));
  if (!members) return nullptr;
  return FinishSet(SetValue::FromIntset(std::move(*members), limits));
}

Object ReadPackedSet(Reader& reader, const EncodingLimits& limits) {
  auto members = ReadPack(reader, Packing::kListpack);
  if (!members) return nullptr;
  return FinishSet(SetValue::FromListpack(std::move(*members), limits));
}

// ---------------------------------------------------------------- sorted sets

struct Scored {
  std::string member;
  double score;
};

Object ZsetOf(std::vector<Scored> members, const EncodingLimits& limits, bool may_be_small) {
  if (members.empty()) return nullptr;
  if (!may_be_small) {
    EncodingLimits none = limits;
    none.zset_max_listpack_entries = 0;
    auto zset = std::make_unique<ZsetValue>(size_t{1}, size_t{0}, none);
    for (Scored& each : members) {
      if (zset->Add(each.member, each.score, {}, none) != ZsetAddResult::kAdded) return nullptr;
    }
    return zset;
  }
  Listpack pack;
  std::sort(members.begin(), members.end(), [](const Scored& a, const Scored& b) {
    return a.score != b.score ? a.score < b.score : a.member < b.member;
  });
  for (const Scored& each : members) {
    char text[32];
    if (pack.Bytes() + Listpack::EncodedBytes(each.member) + sizeof text > kMaxStringBytes)
      return ZsetOf(std::move(members), limits, false);
    pack.Append(each.member);
    pack.Append(FormatListpackScore(each.score, text));
  }
  if (!AreDistinct(pack, 2)) return nullptr;
  return ZsetValue::OfListpack(std::move(pack));
}

Object ReadPlainZset(Reader& reader, Form form, const EncodingLimits& limits) {
  std::vector<Scored> members;
  std::string scratch;
  size_t longest = 0;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const std::string_view member = reader.String(scratch);
    const double score = form == Form::kZset2 ? reader.Double() : reader.TextDouble();
    if (!reader.ok() || std::isnan(score)) return nullptr;
    longest = std::max(longest, member.size());
    members.push_back({std::string(member), score});
  }
  const bool may_be_small = members.size() <= limits.zset_max_listpack_entries &&
                            longest <= limits.zset_max_listpack_value;
  return ZsetOf(std::move(members), limits, may_be_small);
}

Object ReadPackedZset(Reader& reader, Packing packing, const EncodingLimits& limits) {
  const auto pack = ReadPack(reader, packing);
  if (!pack) return nullptr;
  std::vector<Scored> members;
  for (Listpack::Position at = pack->First(); at != Listpack::kEnd; at = pack->Next(at)) {
    std::string member = pack->Get(at).ToString();
    at = pack->Next(at);
    if (at == Listpack::kEnd) return nullptr;  // a member without a score
    const ListpackItem item = pack->Get(at);
    const auto score = item.is_integer ? std::optional(static_cast<double>(item.integer))
                                       : protocol::ParseDouble(item.bytes);
    if (!score) return nullptr;
    members.push_back({std::move(member), *score});
  }
  const bool may_be_small = members.size() <= limits.zset_max_listpack_entries;
  return ZsetOf(std::move(members), limits, may_be_small);
}

// ---------------------------------------------------------------- hashes

/// Collects fields, then makes a hash of them: small ones first go into a listpack.
class HashMaker {
 public:
  HashMaker(const EncodingLimits& limits, bool may_be_small) : limits_(limits) {
    table_limits_.hash_max_listpack_entries = 0;
    if (!may_be_small) MakeTable();
  }

  /// `at_ms` 0: no time. False if the field is there already, as far as that is known yet.
  bool Add(std::string_view field, std::string_view value, uint64_t at_ms) {
    if (at_ms > kLastFieldTime) return false;
    if (at_ms != 0) times_.emplace_back(field, static_cast<int64_t>(at_ms));
    const bool has_room = hash_ != nullptr || pack_.Bytes() + Listpack::EncodedBytes(field) +
                                                      Listpack::EncodedBytes(value) <=
                                                  kMaxStringBytes;
    if (!has_room && !MakeTable()) return false;
    if (hash_ != nullptr) return hash_->Set(field, value, table_limits_, kBeforeAllTimes);
    pack_.Append(field);
    pack_.Append(value);
    ++count_;
    return count_ <= limits_.hash_max_listpack_entries || MakeTable();
  }
  /// False as Add.
  bool MakeTable() {
    if (hash_ != nullptr) return true;
    hash_ = std::make_unique<HashValue>();
    char field_digits[24], value_digits[24];
    for (Listpack::Position at = pack_.First(); at != Listpack::kEnd; at = pack_.Next(at)) {
      const std::string_view field = pack_.Get(at).View(field_digits);
      at = pack_.Next(at);
      if (!hash_->Set(field, pack_.Get(at).View(value_digits), table_limits_, kBeforeAllTimes))
        return false;
    }
    pack_ = Listpack();
    return true;
  }
  Object Take() {
    if (hash_ == nullptr) {
      if (pack_.empty() || !AreDistinct(pack_, 2)) return nullptr;
      hash_ = HashValue::OfListpack(std::move(pack_));
    }
    if (hash_->Count() == 0) return nullptr;
    for (const auto& [field, at_ms] : times_) hash_->SetExpiry(field, at_ms);
    return std::move(hash_);
  }

 private:
  const EncodingLimits& limits_;
  EncodingLimits table_limits_;
  Listpack pack_;
  size_t count_ = 0;
  std::unique_ptr<HashValue> hash_;  // null: small so far
  std::vector<std::pair<std::string, int64_t>> times_;
};

Object ReadPlainHash(Reader& reader, Form form, const EncodingLimits& limits) {
  const uint64_t first_ms = form == Form::kHashTimes ? reader.Uint64() : 0;
  if (first_ms > kLastFieldTime + 1) return nullptr;  // one above: no field has a time
  uint64_t left = reader.Length();
  HashMaker maker(limits, left <= limits.hash_max_listpack_entries);
  std::string field_scratch, value_scratch;
  for (; left > 0; --left) {
    uint64_t at_ms = form == Form::kHash ? 0 : reader.Length();
    if (at_ms > kLastFieldTime) return nullptr;
    if (form == Form::kHashTimes && at_ms != 0) at_ms += first_ms - 1;
    const std::string_view field = reader.String(field_scratch);
    const std::string_view value = reader.String(value_scratch);
    if (!reader.ok()) return nullptr;
    const uint64_t longest = limits.hash_max_listpack_value;
    if ((field.size() > longest || value.size() > longest) && !maker.MakeTable()) return nullptr;
    if (!maker.Add(field, value, at_ms)) return nullptr;
  }
  return reader.ok() ? maker.Take() : nullptr;
}

Object ReadPackedHash(Reader& reader, Form form, const EncodingLimits& limits) {
  const bool has_times = form == Form::kHashListpackTimes || form == Form::kHashListpackTimesEarly;
  if (form == Form::kHashListpackTimes && reader.Uint64() > kLastFieldTime + 1) return nullptr;
  const auto pack = ReadPack(reader, form == Form::kHashZipmap    ? Packing::kZipmap
                                     : form == Form::kHashZiplist ? Packing::kZiplist
                                                                  : Packing::kListpack);
  if (!pack) return nullptr;
  const size_t stride = has_times ? 3 : 2;
  const size_t elements = pack->Count();
  if (elements % stride != 0) return nullptr;
  HashMaker maker(limits, elements / stride <= limits.hash_max_listpack_entries);
  char field_digits[24], value_digits[24];
  for (Listpack::Position at = pack->First(); at != Listpack::kEnd; at = pack->Next(at)) {
    const std::string_view field = pack->Get(at).View(field_digits);
    at = pack->Next(at);
    const std::string_view value = pack->Get(at).View(value_digits);
    uint64_t at_ms = 0;
    if (has_times) {
      at = pack->Next(at);
      const ListpackItem time = pack->Get(at);
      if (!time.is_integer) return nullptr;
      at_ms = static_cast<uint64_t>(time.integer);
    }
    const uint64_t longest = limits.hash_max_listpack_value;
    const bool must_fit = form == Form::kHashZipmap;  // the others were within limits once
    if (must_fit && (field.size() > longest || value.size() > longest) && !maker.MakeTable())
      return nullptr;
    if (!maker.Add(field, value, at_ms)) return nullptr;
  }
  return maker.Take();
}

// ---------------------------------------------------------------- streams

StreamId ReadId(Reader& reader) {
  const uint64_t ms = reader.Length();
  return {ms, reader.Length()};
}

StreamId ReadRawId(Reader& reader) {
  const uint64_t ms = reader.Uint64BigEndian();
  return {ms, reader.Uint64BigEndian()};
}

/// A time of the wall clock, made one that can be subtracted from another.
int64_t ReadTime(Reader& reader) {
  return std::max<int64_t>(static_cast<int64_t>(reader.Uint64()), 0);
}

bool ReadConsumer(Reader& reader, Form form, StreamGroup& group,
                  std::map<StreamId, PendingEntry>& unclaimed) {
  std::string scratch;
  const std::string_view name = reader.String(scratch);
  if (!reader.ok() || group.FindConsumer(name) != nullptr) return false;
  const int64_t seen_ms = ReadTime(reader);
  StreamConsumer& consumer = group.AddConsumer(name, seen_ms);
  consumer.active_ms = seen_ms;  // the best guess where it is not told
  if (form == Form::kStream3) {
    const auto active_ms = static_cast<int64_t>(reader.Uint64());
    consumer.active_ms = active_ms < 0 ? StreamConsumer::kNever : active_ms;
  }
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const auto at = unclaimed.find(ReadRawId(reader));
    if (!reader.ok() || at == unclaimed.end()) return false;
    group.SetPending(at->first, consumer, at->second.delivered_ms, at->second.deliveries);
    unclaimed.erase(at);
  }
  return reader.ok();
}

bool ReadGroup(Reader& reader, Form form, StreamValue& stream) {
  std::string scratch;
  const std::string_view name = reader.String(scratch);
  const StreamId last_id = ReadId(reader);
  int64_t entries_read = StreamGroup::kUnknown;
  if (form == Form::kStream) {
    entries_read = stream.EntriesUpTo(last_id);
  } else {
    entries_read = std::max(static_cast<int64_t>(reader.Length()), StreamGroup::kUnknown);
  }
  if (!reader.ok()) return false;
  StreamGroup* const group = stream.AddGroup(name, last_id, entries_read);
  if (group == nullptr) return false;

  // What is pending in the group is told first, whose it is afterwards.
  std::map<StreamId, PendingEntry> unclaimed;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    const StreamId id = ReadRawId(reader);
    PendingEntry pending;
    pending.delivered_ms = ReadTime(reader);
    pending.deliveries = reader.Length();
    if (!reader.ok() || !unclaimed.emplace(id, pending).second) return false;
  }
  for (uint64_t left = reader.Length(); left > 0; --left) {
    if (!ReadConsumer(reader, form, *group, unclaimed)) return false;
  }
  return reader.ok() && unclaimed.empty();
}

Object ReadStream(Reader& reader, Form form) {
  auto stream = std::make_unique<StreamValue>();
  for (uint64_t left = reader.Length(); left > 0; --left) {
    std::string scratch;
    Reader base(reader.String(scratch));
    const StreamId id = ReadRawId(base);
    if (!base.ok() || base.Remaining() != 0) return nullptr;
    auto node = ReadPack(reader, Packing::kListpack);
    if (!node || !stream->AddNode(id, std::move(*node))) return nullptr;
  }
  const uint64_t length = reader.Length();
  const StreamId last_id = ReadId(reader);
  StreamId max_deleted_id;
  uint64_t entries_added = length;
  if (form != Form::kStream) {
    ReadId(reader);  // the first one, which is known
    max_deleted_id = ReadId(reader);
    entries_added = reader.Length();
  }
  if (!reader.ok() || length != stream->length() ||
      !stream->SetFacts(last_id, max_deleted_id, entries_added))
    return nullptr;
  for (uint64_t left = reader.Length(); left > 0; --left) {
    if (!ReadGroup(reader, form, *stream)) return nullptr;
  }
  if (!reader.ok()) return nullptr;
  return stream;
}

Object ReadObject(Reader& reader, Form form, const EncodingLimits& limits) {
  switch (form) {
    case Form::kString:
      break;
    case Form::kList:
      return ReadPlainList(reader, limits);
    case Form::kListZiplist:
      return ReadZiplistList(reader, limits);
    case Form::kListQuicklist:
    case Form::kListQuicklist2:
      return ReadQuicklist(reader, form, limits);
    case Form::kSet:
      return ReadPlainSet(reader, limits);
    case Form::kSetIntset:
      return ReadIntegerSet(reader, limits);
    case Form::kSetListpack:
      return ReadPackedSet(reader, limits);
    case Form::kZset:
    case Form::kZset2:
      return ReadPlainZset(reader, form, limits);
    case Form::kZsetZiplist:
      return ReadPackedZset(reader, Packing::kZiplist, limits);
    case Form::kZsetListpack:
      return ReadPackedZset(reader, Packing::kListpack, limits);
    case Form::kHash:
    case Form::kHashTimes:
    case Form::kHashTimesEarly:
      return ReadPlainHash(reader, form, limits);
    case Form::kHashZipmap:
    case Form::kHashZiplist:
    case Form::kHashListpack:
    case Form::kHashListpackTimes:
    case Form::kHashListpackTimesEarly:
      return ReadPackedHash(reader, form, limits);
    case Form::kStream:
    case Form::kStream2:
    case Form::kStream3:
      return ReadStream(reader, form);
  }
  return nullptr;  // other numbers are of modules, or unknown
}

}  // namespace

std::optional<LoadedValue> ReadValue(Reader& reader, uint8_t form, const EncodingLimits& limits) {
  LoadedValue value;
  if (form != static_cast<uint8_t>(Form::kString)) {
    value.object = ReadObject(reader, static_cast<Form>(form), limits);
    if (value.object == nullptr) return std::nullopt;
    return value;
  }
  std::string scratch;
  const std::string_view string = reader.String(scratch);
  if (!reader.ok()) return std::nullopt;
  value.string = string.data() == scratch.data() ? std::move(scratch) : std::string(string);
  return value;
}

}  // namespace peal::store::rdb
