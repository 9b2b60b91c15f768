#include "patterns/fragments.h"

#include <algorithm>

#include "patterns/glob_scan.h"

namespace peal::patterns {
namespace {

using Element = FragmentList::Element;

constexpr size_t kKeptElements = 1'024;  // of a long pattern: 256 first, up to 768 last
constexpr size_t kHeadElements = 256;

Element ElementOf(const ByteSet& members) {
  Element element;
  if (const int count = members.Count(); count < 1 || count > 4) return element;
  for (unsigned value = 0; value < 256; ++value)
    if (members.Contains(static_cast<unsigned char>(value)))
      element.bytes[element.count++] = static_cast<uint8_t>(value);
  return element;
}

void ReadElements(std::string_view pattern, std::vector<Element>& elements) {
  elements.clear();
  ByteSet members;
  for (size_t pos = 0; pos < pattern.size();) {
    const Token token = ScanToken(pattern, pos, members);
    Element element;
    if (token.kind == TokenKind::kLiteral) {
      element.count = 1;
      element.bytes[0] = token.byte;
    } else if (token.kind == TokenKind::kClass) {
      element = ElementOf(members);  // [x] counts as the literal x
    }
    element.is_star = token.kind == TokenKind::kStar;
    if (elements.size() == kKeptElements) {
      elements[kHeadElements] = Element{.is_star = true};  // stands for all that is forgotten
      elements.erase(elements.begin() + kHeadElements + 1, elements.begin() + kKeptElements / 2);
    }
    elements.push_back(element);
  }
}

/// Long, with digits and with change is good: identifiers tell patterns apart, words do not.
int16_t Score(const Element* at, unsigned length, Place place) {
  unsigned score = length * 8 + (place == Place::kAnywhere ? 0 : 4);
  for (unsigned i = 0; i < length; ++i) {
    if (at[i].bytes[0] >= '0' && at[i].bytes[0] <= '9') score += 2;
    if (i > 0 && at[i].bytes[0] != at[i - 1].bytes[0]) score += 1;
  }
  return static_cast<int16_t>(score);
}

/// Sets place and distance of the fragment of `length` elements at `begin`.
void Locate(const FragmentList& list, size_t begin, unsigned length, Fragment& fragment) {
  const size_t behind = list.elements.size() - begin - length;
  if (begin < list.first_star && begin < kFixedPlaces) {
    fragment.place = Place::kFromHead;
    fragment.distance = static_cast<uint8_t>(begin);
  } else if (begin >= list.last_star && behind < kFixedPlaces) {
    fragment.place = Place::kFromTail;
    fragment.distance = static_cast<uint8_t>(behind);
  } else {
    fragment.distance = list.before[begin];
  }
}

void AddLiteral(size_t begin, unsigned length, FragmentList& list) {
  const Element* at = list.elements.data() + begin;
  Fragment fragment;
  fragment.shape = MakeShape(length, false);
  fragment.first_key = static_cast<uint32_t>(list.keys.size());
  Locate(list, begin, length, fragment);
  fragment.score = Score(at, length, fragment.place);
  list.fragments.push_back(fragment);
  uint64_t key = 0;
  for (unsigned i = 0; i < length; ++i) key |= uint64_t{at[i].bytes[0]} << (8 * i);
  list.keys.push_back(key);
}

/// All windows of a short run; of a long one the first 4, the last 8 and 4 spread between.
void AddRun(size_t begin, size_t end, FragmentList& list) {
  const size_t length = end - begin;
  if (length < kFragmentBytes) {
    AddLiteral(begin, static_cast<unsigned>(length), list);
    return;
  }
  const size_t windows = length - kFragmentBytes + 1;
  for (size_t i = 0; i < windows; ++i) {
    AddLiteral(begin + i, kFragmentBytes, list);
    if (windows <= 16) continue;
    if (i >= 3 && i + 8 < windows) i += std::min((windows - 12) / 5, windows - 9 - i);
  }
}

void ListLiterals(FragmentList& list) {
  const std::vector<Element>& elements = list.elements;
  for (size_t begin = 0; begin < elements.size();) {
    if (elements[begin].count != 1) {
      ++begin;
      continue;
    }
    size_t end = begin + 1;
    while (end < elements.size() && elements[end].count == 1) ++end;
    AddRun(begin, end, list);
    begin = end;
  }
  // A later fragment before an earlier one that looks as good: identifiers tend to come last.
  std::sort(list.fragments.begin(), list.fragments.end(), [](const Fragment& a, const Fragment& b) {
    return a.score != b.score ? a.score > b.score : a.first_key > b.first_key;
  });
  if (list.fragments.size() > kMostLiteralFragments) list.fragments.resize(kMostLiteralFragments);
}

void AddClassWindow(size_t begin, unsigned length, unsigned product, FragmentList& list) {
  const Element* at = list.elements.data() + begin;
  Fragment fragment;
  fragment.shape = MakeShape(length, true);
  fragment.keys = static_cast<uint8_t>(product);
  fragment.first_key = static_cast<uint32_t>(list.keys.size());
  Locate(list, begin, length, fragment);
  list.fragments.push_back(fragment);
  for (unsigned choice = 0; choice < product; ++choice) {
    uint64_t key = 0;
    unsigned rest = choice;
    for (unsigned i = 0; i < length; ++i) {
      key |= uint64_t{at[i].bytes[rest % at[i].count]} << (8 * i);
      rest /= at[i].count;
    }
    list.keys.push_back(key);
  }
}

void ListClasses(FragmentList& list) {
  const std::vector<Element>& elements = list.elements;
  size_t covered = 0;  // windows that end no further than the one before say nothing new
  for (size_t begin = 0; begin < elements.size(); ++begin) {
    if (list.fragments.size() - list.class_begin == kMostClassFragments) return;
    unsigned product = 1;
    size_t end = begin;
    while (end < elements.size() && end - begin < kFragmentBytes && elements[end].count != 0 &&
           product * elements[end].count <= kMostAlternatives)
      product *= elements[end++].count;
    if (product == 1 || end <= covered) continue;
    covered = end;
    AddClassWindow(begin, static_cast<unsigned>(end - begin), product, list);
  }
}

}  // namespace

void ListFragments(std::string_view pattern, FragmentList& list) {
  list.fragments.clear();
  list.keys.clear();
  ReadElements(pattern, list.elements);
  list.first_star = list.elements.size();
  list.last_star = 0;
  list.before.resize(list.elements.size());
  uint8_t before = 0;
  for (size_t i = 0; i < list.elements.size(); ++i) {
    list.before[i] = before;
    if (!list.elements[i].is_star) {
      if (before < kMostBefore) ++before;
      continue;
    }
    list.first_star = std::min(list.first_star, i);
    list.last_star = i + 1;
  }
  ListLiterals(list);
  list.class_begin = list.fragments.size();
  ListClasses(list);
}

}  // namespace peal::patterns
