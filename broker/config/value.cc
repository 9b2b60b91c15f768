#include "broker/config/value.h"

#include <algorithm>

#include "protocol/base/number.h"

namespace peal::broker {

using protocol::ParseUint64;

std::vector<std::string> SplitBySpace(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    words.emplace_back(text.substr(0, space));
    if (space == std::string_view::npos) break;
    text.remove_prefix(space + 1);
  }
  return words;
}

std::array<OutputLimit, kClientClasses> ParseOutputLimits(std::string_view text) {
  const std::vector<std::string> words = SplitBySpace(text);
  std::array<OutputLimit, kClientClasses> limits;
  // The classes stand in the order of ClientClass.
  for (size_t i = 0; i < kClientClasses && i * 4 + 3 < words.size(); ++i) {
    limits[i].hard_bytes = ParseUint64(words[i * 4 + 1]).value_or(0);
    limits[i].soft_bytes = ParseUint64(words[i * 4 + 2]).value_or(0);
    limits[i].soft_seconds = ParseUint64(words[i * 4 + 3]).value_or(0);
  }
  return limits;
}

std::vector<SavePoint> ParseSavePoints(std::string_view text) {
  const std::vector<std::string> words = SplitBySpace(text);
  std::vector<SavePoint> points;
  for (size_t i = 0; i + 1 < words.size(); i += 2)
    points.push_back({ParseUint64(words[i]).value_or(0), ParseUint64(words[i + 1]).value_or(0)});
  return points;
}

std::vector<double> ParsePercentiles(std::string_view text) {
  std::vector<double> percentiles;
  for (const std::string& word : SplitBySpace(text))
    percentiles.push_back(protocol::ParseDouble(word).value_or(0));
  return percentiles;
}

uint32_t ParseFlagSet(std::span<const std::string_view> choices, std::string_view text) {
  uint32_t bits = 0;
  for (const std::string& word : SplitBySpace(text)) {
    for (size_t i = 1; i < choices.size(); ++i) {
      if (choices[i] == word) bits |= 1u << (i - 1);
    }
  }
  return bits;
}

}  // namespace peal::broker
