#include "store/value/set_value.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>

#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace peal::store {
namespace {

using protocol::ParseInt64;

// Whatever the directives say: intsets are moved by every insertion, and their size has 32 bits.
constexpr uint64_t kMostIntegers = uint64_t{1} << 26;
// As Redis: a listpack must not come near the limit of its format.
constexpr size_t kMaxListpackBytes = size_t{1} << 30;

uint64_t MostIntegers(const EncodingLimits& limits) {
  return std::min(limits.set_max_intset_entries, kMostIntegers);
}

size_t DecimalBytes(int64_t value) {
  char digits[protocol::kMaxIntChars];
  return static_cast<size_t>(protocol::FormatInt(digits, value) - digits);
}

}  // namespace

std::unique_ptr<SetValue> SetValue::Create(std::string_view first, size_t hint,
                                           const EncodingLimits& limits) {
  auto set = std::make_unique<SetValue>();
  if (hint <= MostIntegers(limits) && ParseInt64(first)) return set;
  if (hint <= limits.set_max_listpack_entries) {
    set->members_.emplace<Listpack>();
  } else {
    set->members_.emplace<std::unique_ptr<Table>>(std::make_unique<Table>());
  }
  return set;
}

std::unique_ptr<SetValue> SetValue::FromIntset(Intset members, const EncodingLimits& limits) {
  auto set = std::make_unique<SetValue>();
  const bool is_large = members.size() > MostIntegers(limits);
  set->members_ = std::move(members);
  if (is_large) set->ConvertToTable();
  return set;
}

std::unique_ptr<SetValue> SetValue::FromListpack(Listpack members, const EncodingLimits& limits) {
  auto set = std::make_unique<SetValue>();
  set->members_ = std::move(members);
  const Listpack& pack = *set->listpack();
  bool is_large = pack.Count() > limits.set_max_listpack_entries;
  {
    std::unordered_set<std::string_view> seen;
    std::unordered_set<int64_t> seen_integers;
    for (auto at = pack.First(); at != Listpack::kEnd; at = pack.Next(at)) {
      const ListpackItem item = pack.Get(at);
      char digits[24];
      if (item.is_integer) {
        if (!seen_integers.insert(item.integer).second) return nullptr;
        continue;
      }
      // A foreign writer may have left an integer in its text.
      const std::optional<int64_t> integer = ParseInt64(item.View(digits));
      if (integer ? !seen_integers.insert(*integer).second : !seen.insert(item.bytes).second) {
        return nullptr;
      }
      is_large = is_large || item.bytes.size() > limits.set_max_listpack_value;
    }
  }
  if (is_large) set->ConvertToTable();
  return set;
}

size_t SetValue::MemoryBytes() const {
  if (const Table* members = table()) {
    return sizeof(SetValue) + sizeof(Table) + members->MemoryBytes();
  }
  if (const Listpack* pack = listpack()) return sizeof(SetValue) + pack->MemoryBytes();
  return sizeof(SetValue) + std::get<Intset>(members_).MemoryBytes();
}

std::string_view SetValue::EncodingName() const {
  if (intset() != nullptr) return "intset";
  return listpack() != nullptr ? "listpack" : "hashtable";
}

size_t SetValue::Count() const {
  if (const Table* members = table()) return members->size();
  if (const Listpack* pack = listpack()) return pack->Count();
  return std::get<Intset>(members_).size();
}

bool SetValue::IsSound() const {
  if (const Table* members = table()) return members->IsSound();
  if (const Intset* ints = intset()) {
    return ints->size() == 0 || Intset::Parse(ints->Block()).has_value();
  }
  const Listpack& pack = *listpack();
  if (!pack.IsSound()) return false;
  std::set<std::string> seen;
  for (Listpack::Position at = pack.First(); at != Listpack::kEnd; at = pack.Next(at)) {
    if (!seen.insert(pack.Get(at).ToString()).second) return false;
  }
  return true;
}

std::unique_ptr<ValueObject> SetValue::Clone() const {
  auto copy = std::make_unique<SetValue>();
  if (const Intset* ints = intset()) {
    copy->members_.emplace<Intset>(*ints);
  } else if (const Listpack* pack = listpack()) {
    copy->members_.emplace<Listpack>(*pack);
  } else {
    auto members = std::make_unique<Table>();
    table()->ForEach([&](const Member* member) { members->Insert(Member::New(member->View())); });
    copy->members_.emplace<std::unique_ptr<Table>>(std::move(members));
  }
  return copy;
}

void SetValue::ConvertToListpack() {
  Listpack pack;
  for (size_t i = 0, size = intset()->size(); i < size; ++i) pack.AppendInteger(intset()->At(i));
  members_.emplace<Listpack>(std::move(pack));
}

SetValue::Table& SetValue::ConvertToTable() {
  auto members = std::make_unique<Table>();
  ForEach([&](const ListpackItem& item) {
    char digits[24];
    members->Insert(Member::New(item.View(digits)));
  });
  return *members_.emplace<std::unique_ptr<Table>>(std::move(members));
}

bool SetValue::AddInteger(std::string_view text, int64_t value, const EncodingLimits& limits,
                          size_t hint) {
  Intset& ints = *mutable_intset();
  if (hint <= MostIntegers(limits)) {
    if (!ints.Insert(value)) return false;
    if (ints.size() > MostIntegers(limits)) ConvertToTable();
    return true;
  }
  if (ints.Contains(value)) return false;
  ConvertToTable().Insert(Member::New(text));
  return true;
}

bool SetValue::AddToListpack(std::string_view text, const EncodingLimits& limits, size_t hint) {
  Listpack& pack = *mutable_listpack();
  if (pack.Find(pack.First(), text) != Listpack::kEnd) return false;
  if (hint <= limits.set_max_listpack_entries && pack.Count() < limits.set_max_listpack_entries &&
      text.size() <= limits.set_max_listpack_value &&
      pack.Bytes() + text.size() < kMaxListpackBytes) {
    pack.Append(text);
  } else {
    ConvertToTable().Insert(Member::New(text));
  }
  return true;
}

bool SetValue::Add(std::string_view member, const EncodingLimits& limits, size_t hint) {
  if (Table* members = mutable_table()) {
    const uint64_t hash = members->Hash(member);
    if (members->Find(member, hash) != nullptr) return false;
    members->Insert(Member::New(member), hash);
    return true;
  }
  if (listpack() != nullptr) return AddToListpack(member, limits, hint);
  if (const std::optional<int64_t> integer = ParseInt64(member)) {
    return AddInteger(member, *integer, limits, hint);
  }
  const Intset& ints = *intset();
  const size_t longest =
      ints.size() == 0 ? 0
                       : std::max(DecimalBytes(ints.At(0)), DecimalBytes(ints.At(ints.size() - 1)));
  if (hint <= MostIntegers(limits) && ints.size() < limits.set_max_listpack_entries &&
      member.size() <= limits.set_max_listpack_value && longest <= limits.set_max_listpack_value &&
      ints.size() * longest + member.size() < kMaxListpackBytes) {
    ConvertToListpack();
    mutable_listpack()->Append(member);
  } else {
    ConvertToTable().Insert(Member::New(member));
  }
  return true;
}

bool SetValue::Add(const ListpackItem& member, const EncodingLimits& limits) {
  char digits[24];
  return Add(member.View(digits), limits);
}

bool SetValue::Remove(std::string_view member) {
  if (Table* members = mutable_table()) {
    Member* const gone = members->Erase(member);
    if (gone == nullptr) return false;
    Member::Destroy(gone);
    return true;
  }
  if (Listpack* pack = mutable_listpack()) {
    const Listpack::Position at = pack->Find(pack->First(), member);
    if (at == Listpack::kEnd) return false;
    pack->Erase(at);
    return true;
  }
  const std::optional<int64_t> integer = ParseInt64(member);
  return integer && mutable_intset()->Erase(*integer);
}

bool SetValue::Remove(const ListpackItem& member) {
  if (Intset* ints = mutable_intset(); ints != nullptr && member.is_integer) {
    return ints->Erase(member.integer);
  }
  char digits[24];
  return Remove(member.View(digits));
}

bool SetValue::Contains(std::string_view member) const {
  if (const Table* members = table()) return members->Contains(member);
  if (const Listpack* pack = listpack()) return pack->Find(pack->First(), member) != Listpack::kEnd;
  const std::optional<int64_t> integer = ParseInt64(member);
  return integer && intset()->Contains(*integer);
}

bool SetValue::Contains(const ListpackItem& member) const {
  if (member.is_integer && intset() != nullptr) return intset()->Contains(member.integer);
  char digits[24];
  return Contains(member.View(digits));
}

}  // namespace peal::store
