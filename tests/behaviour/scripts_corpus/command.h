#pragma once

#include <initializer_list>
#include <string_view>

namespace peal::tests {

/// A command with its arguments. redis-server 7.0.15 and Peal must reply to all of a corpus alike,
/// octet by octet, when both get it in its order.
using CorpusCommand = std::initializer_list<std::string_view>;

}  // namespace peal::tests
