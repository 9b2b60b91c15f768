#pragma once

#include <cstdint>
#include <string_view>

namespace peal::protocol {

/// Hash slots of a cluster; every key lies in one.
inline constexpr uint16_t kSlots = 16384;

/// CRC-16/XMODEM: polynomial 0x1021, start 0, not reflected. "123456789" gives 0x31C3.
uint16_t Crc16(std::string_view bytes);

/// The part of `key` that decides its slot: what stands between the first '{' and the first '}'
/// after it, if that is not empty; else the whole key. Source: Redis cluster specification, "Hash
/// tags".
std::string_view HashTag(std::string_view key);

/// The slot of `key`, below kSlots.
uint16_t KeySlot(std::string_view key);

}  // namespace peal::protocol
