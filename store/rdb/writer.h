#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace peal::store::rdb {

/// Appends the primitives of the RDB format to a string.
class Writer {
 public:
  /// `out` must outlive the writer. `compresses`: whether strings above 20 octets are tried with
  /// LZF; the directive rdbcompression.
  explicit Writer(std::string& out, bool compresses = true) : out_(out), compresses_(compresses) {}

  void Byte(uint8_t byte) { out_.push_back(static_cast<char>(byte)); }
  void Raw(std::string_view bytes) { out_.append(bytes); }
  /// 1, 2, 5 or 9 octets.
  void Length(uint64_t length);
  /// In the shortest form: as an integer of 8, 16 or 32 bits, compressed, or as it is.
  void String(std::string_view bytes);
  /// A string that is the decimal form of `value`.
  void IntegerString(int64_t value);
  /// 8 octets, the lowest first.
  void Double(double value);
  void Uint64(uint64_t value);
  /// 8 octets, the highest first: the order of stream IDs.
  void Uint64BigEndian(uint64_t value);

 private:
  bool SmallInteger(int64_t value);

  std::string& out_;
  const bool compresses_;
};

}  // namespace peal::store::rdb
