#pragma once

#include <cstdint>

namespace peal::store {

/// Up to what size values keep their compact encodings; the directives of these names. Bytes and
/// numbers of elements.
struct EncodingLimits {
  uint64_t hash_max_listpack_entries = 512;
  uint64_t hash_max_listpack_value = 64;
  int32_t list_max_listpack_size = -2;  // above 0: elements; -1 to -5: 4, 8, 16, 32, 64 KiB
  uint32_t list_compress_depth = 0;
  uint64_t set_max_intset_entries = 512;
  uint64_t set_max_listpack_entries = 128;
  uint64_t set_max_listpack_value = 64;
  uint64_t zset_max_listpack_entries = 128;
  uint64_t zset_max_listpack_value = 64;
  uint64_t hll_sparse_max_bytes = 3000;
  uint64_t stream_node_max_bytes = 4096;
  uint64_t stream_node_max_entries = 100;
};

}  // namespace peal::store
