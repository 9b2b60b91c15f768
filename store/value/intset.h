#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace peal::store {

/// A sorted array of different integers: what small sets of integers are made of.
///
/// The block has the public intset layout, octet by octet, because snapshots and DUMP payloads
/// carry it: 4 bytes with the width of an integer (2, 4 or 8), 4 with their number, the integers,
/// everything little-endian. The width grows with the first integer that wants it and stays.
///
/// One pointer, null while nothing was ever put in. Not synchronised. Fewer than 2^31 bytes, which
/// the owners' limits keep far away from.
class Intset {
 public:
  Intset() = default;
  Intset(Intset&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Intset& operator=(Intset&& other) noexcept;
  Intset(const Intset& other);
  Intset& operator=(const Intset&) = delete;
  ~Intset();

  /// Takes a foreign block after looking at all of it: width, length, order. nullopt if anything is
  /// wrong, emptiness included.
  static std::optional<Intset> Parse(std::string_view block);

  /// The block as it stands in a payload.
  std::string_view Block() const;

  size_t size() const;
  /// The integer `index` from below, index < size().
  int64_t At(size_t index) const;
  bool Contains(int64_t value) const;

  /// False if it was there already.
  bool Insert(int64_t value);
  /// False if it was not there.
  bool Erase(int64_t value);

  /// Heap bytes.
  size_t MemoryBytes() const;

 private:
  uint32_t Width() const;
  /// The index of the first integer that is not below `value`.
  size_t LowerBound(int64_t value) const;
  void Put(size_t index, int64_t value);
  void SetSize(size_t size);
  void Reserve(size_t bytes);
  void Widen(uint32_t width);

  unsigned char* block_ = nullptr;
};

}  // namespace peal::store
