#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"
#include "protocol/command/spec.h"

namespace peal::protocol {

/// A key of a request and what the command may do with it.
struct KeyAt {
  size_t index;  // among the arguments; 0 is the command's name
  KeyFlag flags;
};

/// The keys of a request by the specs of its command, in the order of the specs, then those that
/// more_keys finds, with what this request does to them. A row with more_keys has specs with a
/// keyword only to be shown: the keyword may be the value of another option as well, or stand there
/// twice, and rights and locks are for the keys that the command takes. At most as many as there
/// are arguments for each spec. Channels (kNotKey) are left out. Error: the number of keys given is
/// no number or larger than the arguments that follow.
Result<std::vector<KeyAt>> ExtractKeys(const CommandSpec& spec,
                                       std::span<const std::string_view> args);

/// What this very request does to a key for which its row says `flags`, where the row leaves it
/// open (kVariable): SET reads the old value only with GET or a condition, BITFIELD may only read.
KeyFlag FlagsOfRequest(const CommandSpec& spec, std::span<const std::string_view> args,
                       KeyFlag flags);

}  // namespace peal::protocol
