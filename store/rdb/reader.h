#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace peal::store::rdb {

/// Reads the primitives of the RDB format. No octet is trusted: the first thing that is wrong
/// sticks, and everything read from then on is neutral (0, empty). Loops over a length that was
/// read must look at ok() in every round.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool ok() const { return is_ok_; }
  void Fail() {
    is_ok_ = false;
    rest_ = {};
  }
  size_t Remaining() const { return rest_.size(); }

  uint8_t Byte();
  std::string_view Raw(size_t size);
  /// A number that is no encoding of a string.
  uint64_t Length();
  /// A string of any form, at most kMaxStringBytes. It points into the input or into `scratch`, and
  /// so lives as long as both stay as they are.
  std::string_view String(std::string& scratch);
  double Double();
  /// A number in decimal, as the oldest sorted sets have it.
  double TextDouble();
  uint64_t Uint64();
  uint64_t Uint64BigEndian();

 private:
  std::string_view IntegerString(size_t size, std::string& scratch);

  std::string_view rest_;
  bool is_ok_ = true;
};

}  // namespace peal::store::rdb
