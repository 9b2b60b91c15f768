#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace peal::store {

/// An element of a listpack: an integer if its bytes are the canonical decimal form of one, else
/// bytes. Bytes point into the listpack and die with its next change.
struct ListpackItem {
  bool is_integer = false;
  int64_t integer = 0;
  std::string_view bytes;

  /// The element as bytes; an integer is printed into `digits`.
  std::string_view View(char (&digits)[24]) const;
  std::string ToString() const;
  bool Equals(std::string_view text) const;
};

/// A list of byte strings and integers packed into one block: what small lists, hashes, sets,
/// sorted sets and the nodes of streams are made of.
///
/// The block has the public listpack layout, octet by octet, because snapshots and DUMP payloads
/// carry it: 4 bytes of total length, 2 of count (65535: unknown), elements with their length
/// behind them for walking back, 0xFF. Source: the listpack specification.
///
/// One pointer, null while nothing was ever put in. Not synchronised. Positions are offsets of
/// elements into the block and die with the next change, except where a method returns a new one.
/// At most 1 GiB, which the owners' limits keep far away from.
class Listpack {
 public:
  using Position = uint32_t;
  static constexpr Position kEnd = 0;  // no element

  Listpack() = default;
  Listpack(Listpack&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Listpack& operator=(Listpack&& other) noexcept;
  Listpack(const Listpack& other);
  Listpack& operator=(const Listpack&) = delete;
  ~Listpack();

  /// Takes a foreign block after looking at every octet of it: lengths, encodings, back lengths,
  /// count, end. nullopt if anything is wrong.
  static std::optional<Listpack> Parse(std::string_view block);

  /// Whether Parse would take the block. For tests and DEBUG.
  bool IsSound() const { return block_ == nullptr || Parse(Block()).has_value(); }

  /// The block as it stands in a payload; that of an empty listpack if there is none.
  std::string_view Block() const;

  /// Elements. O(1) below 65535, else O(n).
  size_t Count() const;
  bool empty() const { return First() == kEnd; }
  /// Octets of the block: 7 for an empty one.
  size_t Bytes() const;
  /// Heap bytes.
  size_t MemoryBytes() const;

  /// Starts loading the front of the block.
  void Prefetch() const {
    if (block_ == nullptr) return;
    __builtin_prefetch(block_);
    __builtin_prefetch(block_ + 64);
  }

  Position First() const;
  Position Last() const;
  Position Next(Position at) const;
  Position Previous(Position at) const;
  /// The element `index` from the front, or from the back if negative (-1: the last); kEnd if there
  /// is none. O(n).
  Position Seek(int64_t index) const;
  ListpackItem Get(Position at) const;

  /// The first element from `at` on that equals `text`, looking at each (skip + 1)-th only.
  Position Find(Position at, std::string_view text, unsigned skip = 0) const;

  // Changes. Bytes that are a canonical 64-bit integer are kept as one. `text` may point into this
  // block.

  void Append(std::string_view text);
  void AppendInteger(int64_t value);
  void Prepend(std::string_view text);
  /// Return where the new element is. kEnd stands for behind the last or before the first one.
  Position InsertBefore(Position at, std::string_view text);
  Position InsertAfter(Position at, std::string_view text);
  /// Returns where the element now is.
  Position Replace(Position at, std::string_view text);
  Position ReplaceInteger(Position at, int64_t value);
  /// Returns the element behind the erased one.
  Position Erase(Position at);
  /// Erases `count` elements from `at` on (fewer if there are no more); returns the one behind.
  Position EraseRange(Position at, size_t count);
  void Clear();
  /// Gives back room beyond what is used.
  void ShrinkToFit();

  /// Octets that `text` takes as an element.
  static size_t EncodedBytes(std::string_view text);

 private:
  unsigned char* block_ = nullptr;
};

}  // namespace peal::store
