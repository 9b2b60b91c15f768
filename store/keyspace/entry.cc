#include "store/keyspace/entry.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>

#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "store/keyspace/entry_pool.h"

namespace peal::store {
namespace {

// Redis keeps strings up to 44 bytes in one allocation with their header and calls that "embstr".
// Clients compare the word, so the limit is theirs, not ours.
constexpr size_t kEmbstrBytes = 44;
constexpr size_t kPointerBytes = 8;
static_assert(sizeof(void*) == kPointerBytes);

template <class T>
T Load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(value));
  return value;
}

template <class T>
void Store(char* to, T value) {
  std::memcpy(to, &value, sizeof(value));
}

void CopyBytes(char* to, std::string_view bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

size_t RoundUp8(size_t bytes) { return (bytes + 7) & ~size_t{7}; }

}  // namespace

std::string_view TypeName(ValueType type) {
  switch (type) {
    case ValueType::kString:
      return "string";
    case ValueType::kList:
      return "list";
    case ValueType::kSet:
      return "set";
    case ValueType::kZset:
      return "zset";
    case ValueType::kHash:
      return "hash";
    case ValueType::kStream:
      return "stream";
  }
  return "none";
}

Entry* Entry::Allocate(std::string_view key, ValueType type, Encoding encoding, size_t value_bytes,
                       int64_t expire_ms) {
  PEAL_CHECK(key.size() <= std::numeric_limits<uint32_t>::max());
  const bool has_expiry = expire_ms != kNoExpiry;
  const bool is_long = key.size() >= kLongKey;
  const size_t used = (has_expiry ? 8 : 0) + (is_long ? 4 : 0) + key.size() + value_bytes;
  // Two words at least; aligned to 8, since the table uses the low pointer bits.
  const size_t total = std::max(RoundUp8(sizeof(Entry) + used), size_t{16});
  Entry* entry = new (NewPoolBlock(total)) Entry;
  entry->type_ = static_cast<uint64_t>(type);
  entry->encoding_ = static_cast<uint64_t>(encoding);
  entry->has_expiry_ = has_expiry ? 1 : 0;
  entry->short_key_ = is_long ? kLongKey : key.size();
  entry->value_bytes_ = value_bytes;
  entry->slack_ = total - sizeof(Entry) - used;
  char* at = entry->tail();
  if (has_expiry) {
    Store(at, expire_ms);
    at += 8;
  }
  if (is_long) {
    Store(at, static_cast<uint32_t>(key.size()));
    at += 4;
  }
  CopyBytes(at, key);
  return entry;
}

Entry* Entry::NewInt(std::string_view key, int64_t value, int64_t expire_ms) {
  Entry* entry = Allocate(key, ValueType::kString, Encoding::kInt, sizeof(value), expire_ms);
  Store(entry->value(), value);
  return entry;
}

Entry* Entry::NewEmbedded(std::string_view key, std::string_view bytes, int64_t expire_ms) {
  PEAL_CHECK(bytes.size() <= kMaxEmbeddedBytes);
  Entry* entry = Allocate(key, ValueType::kString, Encoding::kEmbedded, bytes.size(), expire_ms);
  CopyBytes(entry->value(), bytes);
  return entry;
}

Entry* Entry::NewShared(std::string_view key, SharedBytesRef block, int64_t expire_ms) {
  PEAL_CHECK(static_cast<bool>(block));
  Entry* entry = Allocate(key, ValueType::kString, Encoding::kShared, kPointerBytes, expire_ms);
  Store(entry->value(), block.Leak());
  return entry;
}

Entry* Entry::NewObject(std::string_view key, ValueType type, ValueObject* object,
                        int64_t expire_ms) {
  PEAL_CHECK(object != nullptr && type != ValueType::kString);
  Entry* entry = Allocate(key, type, Encoding::kObject, kPointerBytes, expire_ms);
  Store(entry->value(), object);
  return entry;
}

Entry* Entry::Rebuild(Entry* from, std::string_view key, int64_t expire_ms) {
  Entry* entry = Allocate(key, from->type(), from->encoding(), from->value_bytes_, expire_ms);
  entry->lru_ = from->lru_;
  CopyBytes(entry->value(), {from->value(), from->value_bytes_});
  // Whatever the value pointed to has moved; the source holds plain bytes now.
  if (from->encoding() == Encoding::kShared || from->encoding() == Encoding::kObject) {
    from->encoding_ = static_cast<uint64_t>(Encoding::kInt);
  }
  return entry;
}

void Entry::Destroy(Entry* entry) {
  if (entry->encoding() == Encoding::kShared) {
    entry->shared_block()->Release();
  } else if (entry->encoding() == Encoding::kObject) {
    delete entry->object();
  }
  FreePoolBlock(entry, entry->AllocationBytes());
}

size_t Entry::key_size() const {
  if (short_key_ != kLongKey) return short_key_;
  return Load<uint32_t>(tail() + (has_expiry() ? 8 : 0));
}

std::string_view Entry::key() const { return {tail() + key_offset(), key_size()}; }

int64_t Entry::expire_ms() const { return has_expiry() ? Load<int64_t>(tail()) : kNoExpiry; }

int64_t Entry::int_value() const {
  PEAL_DCHECK(is_string() && encoding() == Encoding::kInt);
  return Load<int64_t>(value());
}

std::string_view Entry::embedded_value() const {
  PEAL_DCHECK(encoding() == Encoding::kEmbedded);
  return {value(), value_bytes_};
}

std::span<char> Entry::mutable_embedded_value() {
  PEAL_DCHECK(encoding() == Encoding::kEmbedded);
  return {value(), value_bytes_};
}

SharedBytes* Entry::shared_block() const {
  PEAL_DCHECK(encoding() == Encoding::kShared);
  return Load<SharedBytes*>(value());
}

SharedBytesRef Entry::shared_value() const { return SharedBytesRef::Share(shared_block()); }

ValueObject* Entry::object() const {
  PEAL_DCHECK(encoding() == Encoding::kObject);
  return Load<ValueObject*>(value());
}

size_t Entry::StringSize() const {
  switch (encoding()) {
    case Encoding::kInt: {
      char digits[protocol::kMaxIntChars];
      return static_cast<size_t>(protocol::FormatInt(digits, int_value()) - digits);
    }
    case Encoding::kEmbedded:
      return value_bytes_;
    case Encoding::kShared:
      return shared_block()->size();
    case Encoding::kObject:
      break;
  }
  PEAL_CHECK(false && "not a string");
  return 0;
}

std::string Entry::CopyString() const {
  switch (encoding()) {
    case Encoding::kInt:
      return std::to_string(int_value());
    case Encoding::kEmbedded:
      return std::string(embedded_value());
    case Encoding::kShared:
      return std::string(shared_block()->view());
    case Encoding::kObject:
      break;
  }
  PEAL_CHECK(false && "not a string");
  return {};
}

std::string_view Entry::EncodingName() const {
  switch (encoding()) {
    case Encoding::kInt:
      return "int";
    case Encoding::kEmbedded:
      return value_bytes_ <= kEmbstrBytes ? "embstr" : "raw";
    case Encoding::kShared:
      return "raw";
    case Encoding::kObject:
      return object()->EncodingName();
  }
  return "raw";
}

size_t Entry::AllocationBytes() const { return sizeof(Entry) + used_bytes() + slack_; }

size_t Entry::MemoryBytes() const {
  size_t bytes = AllocationBytes();
  if (encoding() == Encoding::kShared) bytes += shared_block()->memory_bytes();
  if (encoding() == Encoding::kObject) bytes += object()->MemoryBytes();
  return bytes;
}

bool Entry::TrySetInt(int64_t number) {
  if (encoding() != Encoding::kInt && encoding() != Encoding::kEmbedded) return false;
  const size_t room = value_bytes_ + slack_;
  if (room < sizeof(number) || room - sizeof(number) > kMaxSlack) return false;
  encoding_ = static_cast<uint64_t>(Encoding::kInt);
  value_bytes_ = sizeof(number);
  slack_ = room - sizeof(number);
  Store(value(), number);
  return true;
}

bool Entry::TrySetEmbedded(std::string_view bytes) {
  if (encoding() != Encoding::kInt && encoding() != Encoding::kEmbedded) return false;
  const size_t room = value_bytes_ + slack_;
  // A value much smaller than its room gets a new, smaller entry.
  if (bytes.size() > room || bytes.size() > kMaxEmbeddedBytes) return false;
  if (room - bytes.size() > kMaxSlack || room - bytes.size() > AllocationBytes() / 2) return false;
  if (!bytes.empty()) std::memmove(value(), bytes.data(), bytes.size());
  encoding_ = static_cast<uint64_t>(Encoding::kEmbedded);
  value_bytes_ = bytes.size();
  slack_ = room - bytes.size();
  return true;
}

bool Entry::TrySetExpire(int64_t expire_ms) {
  PEAL_DCHECK(expire_ms != kNoExpiry);
  if (!has_expiry()) {
    if (slack_ < 8) return false;
    std::memmove(tail() + 8, tail(), used_bytes());
    slack_ -= 8;
    has_expiry_ = 1;
  }
  Store(tail(), expire_ms);
  return true;
}

bool Entry::ClearExpire() {
  if (!has_expiry()) return true;
  if (size_t{slack_} + 8 > kMaxSlack) return false;
  const size_t rest = used_bytes() - 8;
  std::memmove(tail(), tail() + 8, rest);
  has_expiry_ = 0;
  slack_ += 8;
  return true;
}

SharedBytesRef Entry::ExchangeShared(SharedBytesRef block) {
  SharedBytesRef before = SharedBytesRef::Adopt(shared_block());
  Store(value(), block.Leak());
  return before;
}

}  // namespace peal::store
