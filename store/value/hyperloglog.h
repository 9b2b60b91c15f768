#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace peal::store {

/// HyperLogLogs: strings that estimate how many different elements were added to them, with a
/// standard error of 0.81%.
///
/// The bytes are those of Redis: 16 of header ("HYLL", encoding, three zeros, the cached estimate
/// in little-endian order whose highest bit says that it is stale), then 16,384 registers. Dense:
/// six bits each, lowest bits first, 12,288 bytes. Sparse: runs, "00" + 6 bits (1 to 64 zeros),
/// "01" + 14 bits (1 to 16,384 zeros), "1" + 5 bits of value + 2 bits of length (1 to 4 registers
/// of value 1 to 32). Clients may write such strings themselves, so nothing about them is taken on
/// trust. Source of estimator: O. Ertl, "New cardinality estimation algorithms for HyperLogLog
/// sketches", 2017, as Redis uses it.
namespace hyperloglog {

inline constexpr size_t kRegisters = 16384;
inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;

enum class Encoding : uint8_t { kDense = 0, kSparse = 1 };

/// What registers hold, unpacked.
using Registers = std::span<uint8_t, kRegisters>;

/// True if `text` has the header of a HyperLogLog, and the length if it is dense. Everything below
/// but Create() needs that. The runs of a sparse one may still be wrong.
bool IsValid(std::string_view text);
Encoding EncodingOf(std::string_view text);

/// An empty sparse one.
std::string Create();

/// The register that `element` falls on, and the value it has there (1 to 51).
struct Place {
  uint32_t index;
  uint8_t value;
};
Place PlaceOf(std::string_view element);

/// The estimate kept in the header, unless it is stale.
std::optional<uint64_t> CachedCount(std::string_view text);
void SetCachedCount(std::span<char> text, uint64_t count);
void MarkStale(std::span<char> text);

/// The estimate, from the registers. nullopt: corrupted.
std::optional<uint64_t> Count(std::string_view text);
uint64_t Count(Registers registers);

/// Raises `registers` to those of `text` where these are higher. False: corrupted.
[[nodiscard]] bool MergeInto(std::string_view text, Registers registers);

/// The dense form of a sparse one, the cached estimate included. nullopt: corrupted.
std::optional<std::string> ToDense(std::string_view text);

uint8_t DenseRegister(std::string_view text, uint32_t index);
void SetDenseRegister(std::span<char> text, uint32_t index, uint8_t value);

/// Raises registers of one value, which it holds in either encoding and turns dense when a value
/// does not fit the runs or these become longer than allowed. Adding at rising indexes takes time
/// in proportion to the whole, adding at random ones to the length of the runs each.
class Editor {
 public:
  /// `text` as IsValid. `max_sparse_bytes`: with the header, hll-sparse-max-bytes.
  Editor(std::string text, uint64_t max_sparse_bytes)
      : text_(std::move(text)), max_sparse_bytes_(max_sparse_bytes) {}

  enum class Outcome : uint8_t { kUnchanged, kRaised, kCorrupted };
  /// Raises register `place.index` to `place.value`, marking the cached estimate stale if that is
  /// a change. After kCorrupted nothing but the destructor may be called.
  Outcome Raise(Place place);
  /// False: corrupted.
  [[nodiscard]] bool MakeDense();

  std::span<char> bytes() { return text_; }
  std::string_view text() const { return text_; }
  std::string Take() { return std::move(text_); }

 private:
  /// Where a walk over the runs stands.
  struct Position {
    size_t at = kHeaderBytes;
    uint32_t first = 0;  // register
  };

  Outcome RaiseSparse(Place place);
  Outcome RaiseDense(Place place);
  Outcome Promote(Place place);
  void MergeNeighbours(size_t from);

  std::string text_;
  const uint64_t max_sparse_bytes_;
  Position resume_;  // a run before all that later, higher registers touch
};

/// The runs of a sparse one in words: "z:1 v:2,1 Z:16382", for PFDEBUG.
std::string DescribeRuns(std::string_view text);

}  // namespace hyperloglog
}  // namespace peal::store
