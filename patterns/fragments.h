#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace peal::patterns {

/// Where in a matching text a fragment lies: fixed if only single-byte steps stand between it and
/// that end of the pattern.
enum class Place : uint8_t { kAnywhere, kFromHead, kFromTail };

inline constexpr unsigned kFragmentBytes = 8;  // the longest: one machine word
inline constexpr unsigned kShapes = 2 * kFragmentBytes;
inline constexpr unsigned kFixedPlaces = 64;  // distances below it are told apart
inline constexpr uint8_t kMostBefore = 255;

/// Length, and whether it is one alternative of classes, in 0 .. kShapes - 1.
constexpr uint8_t MakeShape(unsigned length, bool from_class) {
  return static_cast<uint8_t>((from_class ? kFragmentBytes : 0) + length - 1);
}
constexpr bool IsFromClass(unsigned shape) { return shape >= kFragmentBytes; }
constexpr unsigned ShapeLength(unsigned shape) { return shape % kFragmentBytes + 1; }

/// One to eight successive bytes that every text matching a pattern must contain; from classes, one
/// of several such byte strings.
struct Fragment {
  uint8_t shape = 0;
  uint8_t keys = 1;  // how many alternatives, 1 to kMostAlternatives
  Place place = Place::kAnywhere;
  uint8_t distance = 0;    // bytes between that end of the text and the fragment; if it may be
                           // anywhere, the least number of bytes before it, kMostBefore at most
  int16_t score = 0;       // the higher, the better it tells patterns apart, by its looks
  uint32_t first_key = 0;  // index into FragmentList::keys
};

inline constexpr size_t kMostLiteralFragments = 64;
inline constexpr size_t kMostClassFragments = 32;
inline constexpr unsigned kMostAlternatives = 16;

/// The fragments a pattern may be found by, a pure function of the pattern: best looking literal
/// ones first, those with classes behind them from `class_begin` on.
struct FragmentList {
  std::vector<Fragment> fragments;
  std::vector<uint64_t> keys;  // bytes in text order from the lowest address, rest 0
  size_t class_begin = 0;

  /// One byte or a few at one place of the pattern; kept here to reuse its memory.
  struct Element {
    uint8_t count = 0;     // bytes it may be, 1 to 4; 0: too many, or a star
    bool is_star = false;  // any number of bytes
    uint8_t bytes[4] = {};
  };
  std::vector<Element> elements;
  std::vector<uint8_t> before;  // for each element, the least number of bytes before it
  size_t first_star = 0;        // index in elements; their number if there is none
  size_t last_star = 0;         // index behind the last star; 0 if there is none
};

/// Fills `list` for `pattern`. Looks at the first and the last 256 places or more of a longer
/// pattern. O(pattern) time.
void ListFragments(std::string_view pattern, FragmentList& list);

}  // namespace peal::patterns
