// What DUMP replies and RESTORE takes: the form, the value, the version (2 octets, the lowest
// first) and the CRC-64 of all that (8 octets, the lowest first).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/keyspace/entry.h"
#include "store/rdb/value_reader.h"
#include "store/value/encoding_limits.h"

namespace peal::store::rdb {

/// Needs the entry's stripe.
std::string DumpPayload(const Entry& entry, bool compresses = true);

/// Appends the version and the checksum of all that stands in front.
void AppendFooter(std::string& out, uint16_t version);

/// Form and value of a payload whose version is known and whose checksum is right; else nullopt.
std::optional<std::string_view> PayloadBody(std::string_view payload);

/// Reads what PayloadBody has found; nullopt if it is wrong, see ReadValue. As in Redis, octets
/// behind the value are ignored.
std::optional<LoadedValue> LoadPayload(std::string_view body, const EncodingLimits& limits);

}  // namespace peal::store::rdb
