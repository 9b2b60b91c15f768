#include "store/value/hyperloglog.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "protocol/base/check.h"

namespace peal::store::hyperloglog {
namespace {

constexpr int kIndexBits = 14;
constexpr int kRegisterBits = 6;
constexpr int kHashBits = 64 - kIndexBits;  // what is left of a hash for the value
constexpr uint64_t kSeed = 0xadc83b19;
constexpr std::string_view kMagic = "HYLL";
constexpr size_t kEncodingAt = 4;
constexpr size_t kCountAt = 8;
constexpr size_t kStaleAt = kHeaderBytes - 1;
constexpr unsigned kStaleBit = 0x80;

constexpr uint32_t kMaxShortZeros = 64;
constexpr uint32_t kMaxLongZeros = 16384;
constexpr uint32_t kMaxSparseValue = 32;
constexpr uint32_t kMaxValueRun = 4;

unsigned Byte(char c) { return static_cast<unsigned char>(c); }

uint64_t LoadLittleEndian(const char* from) {
  uint64_t word = 0;
  for (int i = 7; i >= 0; --i) word = word << 8 | Byte(from[i]);
  return word;
}

/// MurmurHash2, 64-bit version for 64-bit machines, by A. Appleby (public domain).
uint64_t Murmur64A(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kFactor = 0xc6a4a7935bd1e995;
  constexpr int kShift = 47;
  const auto scramble = [](uint64_t word) {
    word *= kFactor;
    word ^= word >> kShift;
    return word * kFactor;
  };
  uint64_t hash = seed ^ (bytes.size() * kFactor);
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) hash = (hash ^ scramble(LoadLittleEndian(at))) * kFactor;
  if (left > 0) {
    uint64_t tail = 0;
    for (size_t i = left; i > 0; --i) tail = tail << 8 | Byte(at[i - 1]);
    hash = (hash ^ tail) * kFactor;
  }
  hash ^= hash >> kShift;
  hash *= kFactor;
  hash ^= hash >> kShift;
  return hash;
}

// ---------------------------------------------------------------- runs

enum class RunKind : uint8_t { kShortZeros, kLongZeros, kValue };

struct Run {
  RunKind kind;
  uint8_t value;    // 0 for zeros
  uint32_t length;  // registers
  size_t bytes;     // 1 or 2
};

/// The run at `at`; nullopt if it is cut off. `at` is inside `text`.
std::optional<Run> RunAt(std::string_view text, size_t at) {
  const unsigned first = Byte(text[at]);
  if ((first & 0x80) != 0) {
    return Run{RunKind::kValue, static_cast<uint8_t>((first >> 2 & 0x1f) + 1), (first & 3) + 1, 1};
  }
  if ((first & 0x40) == 0) return Run{RunKind::kShortZeros, 0, first + 1, 1};
  if (at + 1 >= text.size()) return std::nullopt;
  return Run{RunKind::kLongZeros, 0, ((first & 0x3f) << 8 | Byte(text[at + 1])) + 1, 2};
}

char ValueRun(uint32_t value, uint32_t length) {
  return static_cast<char>(0x80 | (value - 1) << 2 | (length - 1));
}

/// Up to three runs, to put in the place of one.
class Sequence {
 public:
  void AddZeros(uint32_t length) {
    if (length == 0) return;
    if (length <= kMaxShortZeros) {
      bytes_[size_++] = static_cast<char>(length - 1);
    } else {
      bytes_[size_++] = static_cast<char>(0x40 | (length - 1) >> 8);
      bytes_[size_++] = static_cast<char>((length - 1) & 0xff);
    }
  }
  void AddValue(uint32_t value, uint32_t length) {
    if (length != 0) bytes_[size_++] = ValueRun(value, length);
  }
  std::string_view view() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, 5> bytes_;
  size_t size_ = 0;
};

/// Calls `visit(first register, run)` for each run. False if they do not make exactly all
/// registers.
template <typename Visit>
bool ForEachRun(std::string_view text, Visit visit) {
  uint32_t first = 0;
  for (size_t at = kHeaderBytes; at < text.size();) {
    const std::optional<Run> run = RunAt(text, at);
    if (!run || run->length > kRegisters - first) return false;
    visit(first, *run);
    first += run->length;
    at += run->bytes;
  }
  return first == kRegisters;
}

// ---------------------------------------------------------------- the estimate

/// How many registers have each value. Six bits hold no more than 63.
using Histogram = std::array<uint32_t, 64>;

double Sigma(double x) {
  if (x == 1.0) return std::numeric_limits<double>::infinity();
  double y = 1;
  double z = x;
  for (double before = -1; z != before;) {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  }
  return z;
}

double Tau(double x) {
  if (x == 0.0 || x == 1.0) return 0.0;
  double y = 1.0;
  double z = 1 - x;
  for (double before = -1; z != before;) {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= std::pow(1 - x, 2) * y;
  }
  return z / 3;
}

uint64_t Estimate(const Histogram& histogram) {
  constexpr double kAlphaInfinite = 0.721347520444481703680;  // 0.5 / ln 2
  constexpr double kCount = kRegisters;
  double z = kCount * Tau((kCount - histogram[kHashBits + 1]) / kCount);
  for (size_t value = kHashBits; value >= 1; --value) {
    z += histogram[value];
    z *= 0.5;
  }
  z += kCount * Sigma(histogram[0] / kCount);
  return static_cast<uint64_t>(std::llround(kAlphaInfinite * kCount * kCount / z));
}

/// Calls `visit(index, value)` for each register of a dense one.
template <typename Visit>
void ForEachDense(std::string_view text, Visit visit) {
  const char* at = text.data() + kHeaderBytes;
  for (uint32_t index = 0; index < kRegisters; index += 4, at += 3) {
    const unsigned packed = Byte(at[0]) | Byte(at[1]) << 8 | Byte(at[2]) << 16;
    for (uint32_t i = 0; i < 4; ++i) {
      visit(index + i, static_cast<uint8_t>(packed >> (kRegisterBits * i) & 0x3f));
    }
  }
}

}  // namespace

bool IsValid(std::string_view text) {
  if (text.size() < kHeaderBytes || !text.starts_with(kMagic)) return false;
  switch (Byte(text[kEncodingAt])) {
    case static_cast<unsigned>(Encoding::kDense):
      return text.size() == kDenseBytes;
    case static_cast<unsigned>(Encoding::kSparse):
      return true;
    default:
      return false;
  }
}

Encoding EncodingOf(std::string_view text) {
  return static_cast<Encoding>(Byte(text[kEncodingAt]));
}

std::string Create() {
  std::string text(kHeaderBytes, '\0');
  text.replace(0, kMagic.size(), kMagic);
  text[kEncodingAt] = static_cast<char>(Encoding::kSparse);
  Sequence zeros;
  zeros.AddZeros(kMaxLongZeros);
  text += zeros.view();
  return text;
}

Place PlaceOf(std::string_view element) {
  const uint64_t hash = Murmur64A(element, kSeed);
  // The marker bit ends the run of zeros of a hash that has none but zeros.
  const uint64_t rest = hash >> kIndexBits | uint64_t{1} << kHashBits;
  return {static_cast<uint32_t>(hash & (kRegisters - 1)),
          static_cast<uint8_t>(std::countr_zero(rest) + 1)};
}

std::optional<uint64_t> CachedCount(std::string_view text) {
  if ((Byte(text[kStaleAt]) & kStaleBit) != 0) return std::nullopt;
  return LoadLittleEndian(text.data() + kCountAt);
}

void SetCachedCount(std::span<char> text, uint64_t count) {
  for (size_t i = 0; i < 8; ++i) text[kCountAt + i] = static_cast<char>(count >> (8 * i) & 0xff);
}

void MarkStale(std::span<char> text) {
  text[kStaleAt] = static_cast<char>(Byte(text[kStaleAt]) | kStaleBit);
}

std::optional<uint64_t> Count(std::string_view text) {
  Histogram histogram{};
  if (EncodingOf(text) == Encoding::kDense) {
    ForEachDense(text, [&](uint32_t, uint8_t value) { ++histogram[value]; });
  } else if (!ForEachRun(text,
                         [&](uint32_t, const Run& run) { histogram[run.value] += run.length; })) {
    return std::nullopt;
  }
  return Estimate(histogram);
}

uint64_t Count(Registers registers) {
  Histogram histogram{};
  for (const uint8_t value : registers) ++histogram[value];
  return Estimate(histogram);
}

bool MergeInto(std::string_view text, Registers registers) {
  const auto raise = [&](uint32_t index, uint8_t value) {
    registers[index] = std::max(registers[index], value);
  };
  if (EncodingOf(text) == Encoding::kDense) {
    ForEachDense(text, raise);
    return true;
  }
  return ForEachRun(text, [&](uint32_t first, const Run& run) {
    if (run.value == 0) return;
    for (uint32_t i = 0; i < run.length; ++i) raise(first + i, run.value);
  });
}

std::optional<std::string> ToDense(std::string_view text) {
  PEAL_DCHECK(EncodingOf(text) == Encoding::kSparse);
  std::string dense(kDenseBytes, '\0');
  dense.replace(0, kHeaderBytes, text.substr(0, kHeaderBytes));
  dense[kEncodingAt] = static_cast<char>(Encoding::kDense);
  const bool is_sound = ForEachRun(text, [&](uint32_t first, const Run& run) {
    if (run.value == 0) return;
    for (uint32_t i = 0; i < run.length; ++i) SetDenseRegister(dense, first + i, run.value);
  });
  if (!is_sound) return std::nullopt;
  return dense;
}

uint8_t DenseRegister(std::string_view text, uint32_t index) {
  PEAL_DCHECK(text.size() == kDenseBytes && index < kRegisters);
  const size_t bit = size_t{index} * kRegisterBits;
  const size_t at = kHeaderBytes + bit / 8;
  unsigned packed = Byte(text[at]);
  if (at + 1 < text.size()) packed |= Byte(text[at + 1]) << 8;
  return static_cast<uint8_t>(packed >> (bit % 8) & 0x3f);
}

void SetDenseRegister(std::span<char> text, uint32_t index, uint8_t value) {
  PEAL_DCHECK(text.size() == kDenseBytes && index < kRegisters && value < 64);
  const size_t bit = size_t{index} * kRegisterBits;
  const size_t at = kHeaderBytes + bit / 8;
  const unsigned mask = 0x3fu << (bit % 8);
  const unsigned shifted = static_cast<unsigned>(value) << (bit % 8);
  text[at] = static_cast<char>((Byte(text[at]) & ~mask) | (shifted & 0xff));
  if (mask > 0xff) {
    text[at + 1] = static_cast<char>((Byte(text[at + 1]) & ~(mask >> 8)) | shifted >> 8);
  }
}

std::string DescribeRuns(std::string_view text) {
  std::string words;
  for (size_t at = kHeaderBytes; at < text.size();) {
    const std::optional<Run> run = RunAt(text, at);
    if (!run) break;
    if (!words.empty()) words += ' ';
    switch (run->kind) {
      case RunKind::kShortZeros:
        words += "z:" + std::to_string(run->length);
        break;
      case RunKind::kLongZeros:
        words += "Z:" + std::to_string(run->length);
        break;
      case RunKind::kValue:
        words += "v:" + std::to_string(run->value) + "," + std::to_string(run->length);
        break;
    }
    at += run->bytes;
  }
  return words;
}

// ---------------------------------------------------------------- Editor

Editor::Outcome Editor::Raise(Place place) {
  PEAL_DCHECK(place.index < kRegisters && place.value >= 1 && place.value < 64);
  return EncodingOf(text_) == Encoding::kDense ? RaiseDense(place) : RaiseSparse(place);
}

bool Editor::MakeDense() {
  if (EncodingOf(text_) == Encoding::kDense) return true;
  std::optional<std::string> dense = ToDense(text_);
  if (!dense) return false;
  text_ = std::move(*dense);
  return true;
}

Editor::Outcome Editor::RaiseDense(Place place) {
  if (DenseRegister(text_, place.index) >= place.value) return Outcome::kUnchanged;
  SetDenseRegister(text_, place.index, place.value);
  MarkStale(text_);
  return Outcome::kRaised;
}

Editor::Outcome Editor::Promote(Place place) {
  return MakeDense() ? RaiseDense(place) : Outcome::kCorrupted;
}

// Which runs come out matters to the byte, since Redis writes such strings too and clients compare
// them: the run is split at the register, and only then neighbours of equal value are merged.
Editor::Outcome Editor::RaiseSparse(Place place) {
  if (place.value > kMaxSparseValue) return Promote(place);

  // The last two runs before the one at hand: a merge may reach back over one, and the next search
  // must find the one before that again.
  std::optional<Position> before;
  std::optional<Position> before_that;
  Position here = resume_.first <= place.index ? resume_ : Position{};
  std::optional<Run> run;
  for (;;) {
    if (here.at >= text_.size()) return Outcome::kCorrupted;
    run = RunAt(text_, here.at);
    if (!run) return Outcome::kCorrupted;
    if (place.index < here.first + run->length) break;
    before_that = before;
    before = here;
    here.at += run->bytes;
    here.first += run->length;
  }
  if (!before && here.at != kHeaderBytes) {
    // The search resumed in the middle and met the register at once: what stands before is needed.
    resume_ = Position{};
    return RaiseSparse(place);
  }

  if (run->kind == RunKind::kValue && run->value >= place.value) return Outcome::kUnchanged;
  Sequence runs;
  const uint32_t left = place.index - here.first;
  const uint32_t right = here.first + run->length - 1 - place.index;
  if (run->kind == RunKind::kValue) {
    runs.AddValue(run->value, left);
    runs.AddValue(place.value, 1);
    runs.AddValue(run->value, right);
  } else {
    runs.AddZeros(left);
    runs.AddValue(place.value, 1);
    runs.AddZeros(right);
  }
  const std::string_view bytes = runs.view();
  if (bytes.size() > run->bytes && text_.size() + (bytes.size() - run->bytes) > max_sparse_bytes_) {
    return Promote(place);
  }
  text_.replace(here.at, run->bytes, bytes);
  MergeNeighbours(before ? before->at : here.at);
  resume_ = before_that.value_or(Position{});
  MarkStale(text_);
  return Outcome::kRaised;
}

void Editor::MergeNeighbours(size_t from) {
  // Five steps reach everything a split may have made equal.
  size_t at = from;
  for (int steps = 5; steps > 0 && at < text_.size(); --steps) {
    const std::optional<Run> run = RunAt(text_, at);
    if (!run) return;
    if (run->kind == RunKind::kValue && at + 1 < text_.size()) {
      const std::optional<Run> next = RunAt(text_, at + 1);
      if (next && next->kind == RunKind::kValue && next->value == run->value &&
          next->length + run->length <= kMaxValueRun) {
        text_[at] = ValueRun(run->value, run->length + next->length);
        text_.erase(at + 1, 1);
        continue;
      }
    }
    at += run->bytes;
  }
}

}  // namespace peal::store::hyperloglog
