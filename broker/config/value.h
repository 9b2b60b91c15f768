#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config.h"

/// Readers of canonical texts, the form in which ConfigStore keeps values and CONFIG GET shows
/// them. They trust their input: Canonicalise made it.
namespace peal::broker {

/// The words between single spaces; none for an empty text.
std::vector<std::string> SplitBySpace(std::string_view text);

/// "normal 0 0 0 slave … pubsub …".
std::array<OutputLimit, kClientClasses> ParseOutputLimits(std::string_view text);

/// "3600 1 300 100".
std::vector<SavePoint> ParseSavePoints(std::string_view text);

/// "50 99 99.9".
std::vector<double> ParsePercentiles(std::string_view text);

/// Bit i-1 for each word that is choices[i]; choices[0] is the name of "none".
uint32_t ParseFlagSet(std::span<const std::string_view> choices, std::string_view text);

}  // namespace peal::broker
