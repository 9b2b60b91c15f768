// Numbers of the RDB format: the octets of snapshots and of DUMP payloads. Source: Redis' RDB
// format, versions 1 to 12, as written by Redis up to 7.4.
#pragma once

#include <cstddef>
#include <cstdint>

namespace peal::store::rdb {

/// The oldest version that can hold every value but hashes with times on their fields: that of
/// Redis 7.0.
inline constexpr uint16_t kVersion = 10;
/// The version that has times on fields, and the last one that is understood: that of Redis 7.4.
inline constexpr uint16_t kLastVersion = 12;

/// The octet before a value that says how it is written.
enum class Form : uint8_t {
  kString = 0,
  kList = 1,   // strings, one after another
  kSet = 2,    // members
  kZset = 3,   // members, each with its score in decimal
  kHash = 4,   // fields and values
  kZset2 = 5,  // members, each with its score in binary
  kHashZipmap = 9,
  kListZiplist = 10,
  kSetIntset = 11,
  kZsetZiplist = 12,
  kHashZiplist = 13,
  kListQuicklist = 14,  // ziplists
  kStream = 15,
  kHashListpack = 16,
  kZsetListpack = 17,
  kListQuicklist2 = 18,  // listpacks, and large elements by themselves
  kStream2 = 19,         // with first ID, greatest deleted ID and numbers of entries added
  kSetListpack = 20,
  kStream3 = 21,         // with the time at which a consumer was active
  kHashTimesEarly = 22,  // with times on fields, as releases before Redis 7.4.0 wrote them
  kHashListpackTimesEarly = 23,
  kHashTimes = 24,          // times relative to the earliest
  kHashListpackTimes = 25,  // triples of field, value and time, after the earliest time
};

/// What stands in the top bits of the first octet of a length.
inline constexpr uint8_t kLength6 = 0x00;
inline constexpr uint8_t kLength14 = 0x40;
inline constexpr uint8_t kLength32 = 0x80;
inline constexpr uint8_t kLength64 = 0x81;
inline constexpr uint8_t kEncoded = 0xC0;  // no length: the low six bits name an encoding

inline constexpr uint8_t kEncodedInt8 = 0;
inline constexpr uint8_t kEncodedInt16 = 1;
inline constexpr uint8_t kEncodedInt32 = 2;
inline constexpr uint8_t kEncodedLzf = 3;

/// How a node of a quicklist is written.
inline constexpr uint64_t kNodePlain = 1;   // one large element
inline constexpr uint64_t kNodePacked = 2;  // a listpack

/// Times on fields are below 2^48 milliseconds.
inline constexpr uint64_t kLastFieldTime = (uint64_t{1} << 48) - 1;

/// No string is longer, and so no packed block: ranges of shared blocks are measured in 32 bits,
/// and a command's argument has this limit too.
inline constexpr size_t kMaxStringBytes = (size_t{1} << 30) - (size_t{64} << 10);

}  // namespace peal::store::rdb
