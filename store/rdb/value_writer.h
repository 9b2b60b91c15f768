#pragma once

#include <cstdint>

#include "store/keyspace/entry.h"
#include "store/rdb/format.h"
#include "store/rdb/writer.h"

namespace peal::store::rdb {

/// How the value of `entry` is written: in a form that Redis 7.0 reads, unless fields of a hash
/// have times.
Form FormOf(const Entry& entry);

/// The version of the format that has `form`; kVersion at least.
uint16_t VersionOf(Form form);

/// Writes the value of `entry` in the form FormOf(entry), which is not written itself: in a
/// snapshot the key stands between the two. Needs the entry's stripe.
///
/// The time at which a stream's consumer was last active is left out, as Redis 7.0 has none.
void WriteValue(Writer& writer, const Entry& entry);

}  // namespace peal::store::rdb
