#include "store/rdb/crc64.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>

namespace peal::store::rdb {
namespace {

constexpr uint64_t kPolynomial = 0x95ac9329ac4bc9b5;  // 0xad93d23594c935a9 with its bits reversed

using Table = std::array<uint64_t, 256>;

/// tables[k][b]: the remainder of octet b with k octets of zero behind it.
constexpr std::array<Table, 8> MakeTables() {
  std::array<Table, 8> tables{};
  for (uint64_t octet = 0; octet < 256; ++octet) {
    uint64_t crc = octet;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][octet] = crc;
  }
  for (size_t k = 1; k < 8; ++k) {
    for (size_t octet = 0; octet < 256; ++octet) {
      const uint64_t before = tables[k - 1][octet];
      tables[k][octet] = tables[0][before & 255] ^ (before >> 8);
    }
  }
  return tables;
}
constexpr std::array<Table, 8> kTables = MakeTables();

}  // namespace

uint64_t Crc64(std::string_view bytes, uint64_t crc) {
  static_assert(std::endian::native == std::endian::little);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {  // eight octets a step: their remainders are independent
    uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc ^= word;
    uint64_t next = 0;
    for (size_t k = 0; k < 8; ++k) next ^= kTables[7 - k][(crc >> (8 * k)) & 255];
    crc = next;
  }
  for (; left > 0; ++at, --left)
    crc = kTables[0][(crc ^ static_cast<unsigned char>(*at)) & 255] ^ (crc >> 8);
  return crc;
}

}  // namespace peal::store::rdb
