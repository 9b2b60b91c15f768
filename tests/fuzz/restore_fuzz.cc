// The value of a DUMP payload, of any octets: it is refused, or it is a sound value that is written
// and read again the same. The first octet chooses the limits of the encodings.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/base/check.h"
#include "store/rdb/payload.h"
#include "tests/store/rdb_values.h"

using peal::tests::OwnedEntry;

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
  }
  return 0;
}
