// The plain matcher, its RE2 translation and a small table of reachable positions must agree on any
// pattern and text. Input: one byte that says how many of the rest are the pattern.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <vector>

#include "patterns/glob.h"
#include "patterns/re2.h"

namespace {

/// Redis' grammar once more, on its own: shares no code with the matcher, so that they do not share
/// a mistake. Marks the text positions the pattern's steps can reach; pattern times text steps.
class Reference {
 public:
  Reference(std::string_view pattern, std::string_view text) : pattern_(pattern), text_(text) {}

  bool Matches() {
    if (text_.empty()) return pattern_.empty();
    std::vector<char> reached(text_.size() + 1, 0);
    reached[0] = 1;
    while (at_ < pattern_.size()) {
      std::vector<char> next(text_.size() + 1, 0);
      if (pattern_[at_] == '*') {
        ++at_;
        char any = 0;
        for (size_t t = 0; t < reached.size(); ++t) next[t] = any = any | reached[t];
      } else {
        bool accepts[256] = {};
        ReadStep(accepts);
        for (size_t t = 0; t < text_.size(); ++t)
          next[t + 1] = reached[t] && accepts[static_cast<unsigned char>(text_[t])];
      }
      reached = next;
    }
    return reached[text_.size()] != 0;
  }

 private:
  unsigned char Take() { return static_cast<unsigned char>(pattern_[at_++]); }
  size_t Left() const { return pattern_.size() - at_; }

  void ReadStep(bool (&accepts)[256]) {
    const unsigned char first = Take();
    if (first == '?') {
      for (bool& accept : accepts) accept = true;
    } else if (first == '[') {
      ReadClass(accepts);
    } else {
      accepts[first == '\\' && Left() > 0 ? Take() : first] = true;
    }
  }

  void ReadClass(bool (&accepts)[256]) {
    const bool negated = Left() > 0 && pattern_[at_] == '^';
    if (negated) ++at_;
    while (Left() > 0) {
      const unsigned char member = Take();
      if (member == '\\' && Left() > 0) {
        accepts[Take()] = true;
      } else if (member == ']') {
        break;
      } else if (Left() >= 2 && pattern_[at_] == '-') {
        ++at_;
        unsigned low = member;
        unsigned high = Take();
        if (low > high) std::swap(low, high);
        for (; low <= high; ++low) accepts[low] = true;
      } else {
        accepts[member] = true;
      }
    }
    if (negated)
      for (bool& accept : accepts) accept = !accept;
  }

  std::string_view pattern_;
  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1 || size > 1'024) return 0;  // below the limit of stars, which the table leaves out
  const size_t split = 1 + data[0] % size;
  const auto* bytes = reinterpret_cast<const char*>(data);
  const std::string_view pattern(bytes + 1, split - 1);
  const std::string_view text(bytes + split, size - split);

  uint64_t steps = 0;
  const bool is_match = peal::patterns::GlobMatchCounting(pattern, text, steps);
  if (steps > 100'000) std::abort();
  if (is_match != Reference(pattern, text).Matches()) std::abort();

  const re2::RE2 regex(peal::patterns::GlobToRe2(pattern),
                       peal::patterns::Re2GlobOptions(16 << 20));
  if (!regex.ok() || is_match != re2::RE2::FullMatch(text, regex)) std::abort();

  // Without case, what matches exactly still matches, but for ranges and negation.
  if (is_match && pattern.find('[') == std::string_view::npos &&
      !peal::patterns::GlobMatchNoCase(pattern, text))
    std::abort();
  return 0;
}
