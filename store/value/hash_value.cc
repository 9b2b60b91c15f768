#include "store/value/hash_value.h"

#include "protocol/base/check.h"

namespace peal::store {
namespace {

// Listpacks hold 1 GiB; limits that a configuration sets high must not lead there.
constexpr size_t kMaxListBytes = size_t{1} << 30;

}  // namespace

HashValue::HashValue(const HashValue& other)
    : list_(other.list_), list_fields_(other.list_fields_) {
  if (other.table_ != nullptr) {
    table_ = std::make_unique<Table>();
    other.table_->ForEach([&](const HashField* node) {
      table_->Insert(HashField::New(node->View(), node->Value()));
    });
  }
  if (other.times_ != nullptr) times_ = std::make_unique<TimeIndex>(*other.times_);
}

std::unique_ptr<HashValue> HashValue::OfListpack(Listpack pairs) {
  auto hash = std::make_unique<HashValue>();
  hash->list_fields_ = pairs.Count() / 2;
  hash->list_ = std::move(pairs);
  return hash;
}

size_t HashValue::MemoryBytes() const {
  size_t bytes = sizeof(*this) + list_.MemoryBytes();
  if (table_ != nullptr) bytes += sizeof(Table) + table_->MemoryBytes();
  if (times_ != nullptr) bytes += times_->MemoryBytes();
  return bytes;
}

std::string_view HashValue::EncodingName() const {
  if (table_ != nullptr) return "hashtable";
  return times_ == nullptr ? "listpack" : "listpackex";
}

bool HashValue::IsSound() const {
  if (table_ == nullptr) {
    if (!list_.IsSound() || list_.Count() != 2 * list_fields_) return false;
  } else if (!list_.empty() || !table_->IsSound()) {
    return false;
  }
  if (times_ == nullptr) return true;
  return !times_->empty() && times_->size() <= Count() &&
         times_->IsSound([&](std::string_view field) {
           return table_ == nullptr ? FindInList(field) != Listpack::kEnd : table_->Contains(field);
         });
}

// ---------------------------------------------------------------- reading

Listpack::Position HashValue::FindInList(std::string_view field) const {
  const Listpack::Position first = list_.First();
  return first == Listpack::kEnd ? Listpack::kEnd : list_.Find(first, field, 1);
}

std::optional<std::string_view> HashValue::Get(std::string_view field, int64_t now_ms,
                                               Digits& digits) const {
  if (IsExpired(field, now_ms)) return std::nullopt;
  if (table_ != nullptr) {
    const HashField* const node = table_->Find(field);
    if (node == nullptr) return std::nullopt;
    return node->Value();
  }
  const Listpack::Position at = FindInList(field);
  if (at == Listpack::kEnd) return std::nullopt;
  return list_.Get(list_.Next(at)).View(digits);
}

void HashValue::ForEach(int64_t now_ms, const Visitor& visit) const {
  const bool must_look = HasExpired(now_ms);
  if (table_ != nullptr) {
    table_->ForEach([&](const HashField* node) {
      if (must_look && IsExpired(node->View(), now_ms)) return;
      visit(node->View(), node->Value());
    });
    return;
  }
  Digits field_digits;
  Digits value_digits;
  Listpack::Position at = list_.First();
  while (at != Listpack::kEnd) {
    const std::string_view field = list_.Get(at).View(field_digits);
    at = list_.Next(at);
    const std::string_view value = list_.Get(at).View(value_digits);
    at = list_.Next(at);
    if (!must_look || !IsExpired(field, now_ms)) visit(field, value);
  }
}

size_t HashValue::CountAt(int64_t now_ms) const {
  return HasExpired(now_ms) ? Count() - times_->CountBefore(now_ms) : Count();
}

uint64_t HashValue::Scan(uint64_t cursor, size_t count, int64_t now_ms,
                         const Visitor& visit) const {
  if (table_ == nullptr) {
    ForEach(now_ms, visit);
    return 0;
  }
  if (cursor >= Table::kScanEnd) return 0;
  const uint64_t next = table_->Scan(cursor, count, [&](const HashField* node) {
    if (!IsExpired(node->View(), now_ms)) visit(node->View(), node->Value());
  });
  return next >= Table::kScanEnd ? 0 : next;
}

void HashValue::VisitRandom(const Random& random, const Visitor& visit) const {
  PEAL_DCHECK(Count() != 0);
  if (table_ != nullptr) {
    const HashField* const node = table_->RandomNode(random);
    return visit(node->View(), node->Value());
  }
  Digits field_digits;
  Digits value_digits;
  const Listpack::Position at = list_.Seek(2 * static_cast<int64_t>(random() % list_fields_));
  visit(list_.Get(at).View(field_digits), list_.Get(list_.Next(at)).View(value_digits));
}

// ---------------------------------------------------------------- changing

bool HashValue::Set(std::string_view field, std::string_view value, const EncodingLimits& limits,
                    int64_t now_ms, FieldTime time) {
  const bool was_expired = IsExpired(field, now_ms);
  const bool is_new = Put(field, value, limits);
  if (time == FieldTime::kClear || was_expired) ClearExpiry(field);
  return is_new || was_expired;
}

bool HashValue::Put(std::string_view field, std::string_view value, const EncodingLimits& limits) {
  if (table_ == nullptr) {
    const uint64_t longest = limits.hash_max_listpack_value;
    const bool fits = field.size() <= longest && value.size() <= longest &&
                      list_.Bytes() + field.size() + value.size() <= kMaxListBytes;
    if (!fits) ConvertToTable();
  }
  if (table_ == nullptr) {
    const Listpack::Position at = FindInList(field);
    if (at != Listpack::kEnd) {
      list_.Replace(list_.Next(at), value);
      return false;
    }
    list_.Append(field);
    list_.Append(value);
    ++list_fields_;
    if (list_fields_ > limits.hash_max_listpack_entries) ConvertToTable();
    return true;
  }
  const uint64_t hash = table_->Hash(field);
  HashField* const node = table_->Find(field, hash);
  if (node == nullptr) {
    table_->Insert(HashField::New(field, value), hash);
    return true;
  }
  if (!node->TrySetValue(value)) {
    table_->Replace(node, HashField::New(field, value));
    HashField::Destroy(node);
  }
  return false;
}

bool HashValue::Erase(std::string_view field, int64_t now_ms) {
  if (IsExpired(field, now_ms) || !Remove(field)) return false;
  ClearExpiry(field);
  return true;
}

bool HashValue::Remove(std::string_view field) {
  if (table_ != nullptr) {
    HashField* const node = table_->Erase(field);
    if (node == nullptr) return false;
    HashField::Destroy(node);
    return true;
  }
  const Listpack::Position at = FindInList(field);
  if (at == Listpack::kEnd) return false;
  list_.EraseRange(at, 2);
  --list_fields_;
  return true;
}

void HashValue::ConvertToTable() {
  auto table = std::make_unique<Table>();
  ForEach(INT64_MIN, [&](std::string_view field, std::string_view value) {
    table->Insert(HashField::New(field, value));
  });
  table_ = std::move(table);
  list_ = Listpack();
  list_fields_ = 0;
}

// ---------------------------------------------------------------- times

void HashValue::SetExpiry(std::string_view field, int64_t at_ms) {
  if (times_ == nullptr) times_ = std::make_unique<TimeIndex>();
  times_->Set(field, at_ms);
}

bool HashValue::ClearExpiry(std::string_view field) {
  if (times_ == nullptr || !times_->Remove(field)) return false;
  if (times_->empty()) times_.reset();
  return true;
}

void HashValue::RemoveExpired(int64_t now_ms, size_t max_fields,
                              std::vector<std::string>& removed) {
  for (size_t i = 0; i < max_fields && HasExpired(now_ms); ++i) {
    std::string field(times_->FirstName());
    const bool was_there = Remove(field);
    PEAL_CHECK(was_there);
    ClearExpiry(field);
    removed.push_back(std::move(field));
  }
}

}  // namespace peal::store
