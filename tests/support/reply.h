#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace peal::tests {

/// One decoded RESP2 or RESP3 value. The tests decode with code of their own, not with the
/// server's, so that one mistake cannot hide in both.
struct Reply {
  enum class Kind {
    kSimple,
    kError,
    kInteger,
    kBulk,
    kNull,  ///< `$-1`, `*-1` and `_`; compare raw bytes where the form matters
    kArray,
    kMap,  ///< items hold key, value, key, value, ...
    kSet,
    kPush,
    kDouble,  ///< text holds the digits as sent
    kBoolean,
    kBigNumber,
    kVerbatim,  ///< text holds the bytes behind the format
  };

  Kind kind = Kind::kNull;
  std::string text;
  int64_t integer = 0;
  std::vector<Reply> items;

  bool IsError() const { return kind == Kind::kError; }
  bool IsNull() const { return kind == Kind::kNull; }
  /// The text of item `index`; empty when there is none.
  const std::string& At(size_t index) const;
  /// The value of `key` in a map, or in an array of alternating keys and values; null if missing.
  const Reply* Find(std::string_view key) const;

  /// A short printable form: `OK`, `-ERR text`, `:1`, `'bulk'`, `nil`, `['a', :1]`, `>['message']`,
  /// `{'key': 'value'}`, `~[...]`, `,1.5`, `#t`, `(123`, `=...`.
  std::string Show() const;
};

std::ostream& operator<<(std::ostream& out, const Reply& reply);

/// Decodes the first value of `bytes` into `*reply`, which may be null when only its end matters.
///
/// Returns the number of octets it took, or 0 when `bytes` end before the value does. Throws
/// std::runtime_error on anything that is not RESP. An attribute (`|`) is skipped.
size_t ParseReply(std::string_view bytes, Reply* reply);

/// Encodes a command as an array of bulk strings.
std::string EncodeCommand(const std::vector<std::string>& arguments);

/// Splits at spaces; `""` stands for an empty word.
std::vector<std::string> Words(std::string_view line);

/// Control characters and bytes above 126 become `\r`, `\n` or `\xNN`.
std::string Escaped(std::string_view bytes);

}  // namespace peal::tests
