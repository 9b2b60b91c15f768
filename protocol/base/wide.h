#pragma once

/// Integers of 128 bits, for sums and products that 64 bits do not hold. Every compiler Peal is
/// built with has them, as an extension.

namespace peal::protocol {

// __extension__ takes no `using`.
__extension__ typedef __int128 Int128;            // NOLINT(modernize-use-using)
__extension__ typedef unsigned __int128 Uint128;  // NOLINT(modernize-use-using)

}  // namespace peal::protocol
