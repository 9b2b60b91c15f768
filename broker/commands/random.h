#pragma once

#include <cstdint>

namespace peal::broker {

/// A uniform 64-bit number for choices of no consequence to security: RANDOMKEY, HRANDFIELD and
/// their kin. [any thread]
uint64_t RandomNumber();

}  // namespace peal::broker
