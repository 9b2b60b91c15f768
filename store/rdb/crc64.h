#pragma once

#include <cstdint>
#include <string_view>

namespace peal::store::rdb {

/// CRC-64 with the polynomial of Jones, reflected, without initial or final inversion: what ends
/// DUMP payloads and snapshots. `crc` is that of the octets before `bytes`, 0 at the beginning.
///
/// Crc64("123456789") is 0xe9c6d914c4b8d9ca. Source: Redis' RDB format.
uint64_t Crc64(std::string_view bytes, uint64_t crc = 0);

}  // namespace peal::store::rdb
