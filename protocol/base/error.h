#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/base/check.h"

namespace peal::protocol {

/// The text of one RESP error line, without the leading '-' and without CR LF: "ERR syntax error".
///
/// The first word is the code that client libraries look at. A static text costs no allocation to
/// make, move or copy; an owned one is copied to the heap. Sixteen octets, so that a Result is
/// small.
class [[nodiscard]] Error {
 public:
  /// `literal` must outlive every copy: a string literal or another static array.
  static constexpr Error Static(std::string_view literal) {
    return Error(literal.data(), static_cast<uint32_t>(literal.size()), false);
  }

  /// Copies `text`. Texts are cut at 4 GiB, which no caller comes near.
  static Error Owned(std::string_view text);

  constexpr Error(const Error& other) : data_(other.data_), size_(other.size_), owned_(false) {
    if (other.owned_) CopyFrom(other);
  }
  constexpr Error(Error&& other) noexcept
      : data_(other.data_), size_(other.size_), owned_(other.owned_) {
    other.owned_ = false;
    other.data_ = "";
    other.size_ = 0;
  }
  Error& operator=(const Error& other);
  Error& operator=(Error&& other) noexcept;
  constexpr ~Error() {
    if (owned_) delete[] data_;
  }

  constexpr std::string_view text() const { return {data_, size_}; }

  /// The first word: "ERR", "WRONGTYPE", "NOAUTH".
  constexpr std::string_view code() const { return text().substr(0, text().find(' ')); }

  friend constexpr bool operator==(const Error& a, const Error& b) { return a.text() == b.text(); }

 private:
  constexpr Error(const char* data, uint32_t size, bool owned)
      : data_(data), size_(size), owned_(owned) {}
  void CopyFrom(const Error& other);

  const char* data_;
  uint32_t size_;
  bool owned_;
};

/// Texts that clients compare. Each was observed on redis-server 7.0.15; error_test keeps it so.
namespace errors {

inline constexpr Error kSyntax = Error::Static("ERR syntax error");
inline constexpr Error kNotInteger = Error::Static("ERR value is not an integer or out of range");
inline constexpr Error kNotFloat = Error::Static("ERR value is not a valid float");
inline constexpr Error kOverflow = Error::Static("ERR increment or decrement would overflow");
inline constexpr Error kNotFinite = Error::Static("ERR increment would produce NaN or Infinity");
inline constexpr Error kWrongType =
    Error::Static("WRONGTYPE Operation against a key holding the wrong kind of value");
inline constexpr Error kNoKey = Error::Static("ERR no such key");
inline constexpr Error kOutOfRange = Error::Static("ERR index out of range");
inline constexpr Error kValueOutOfRange = Error::Static("ERR value is out of range");
/// For what Redis reads as a 64-bit integer and keeps in 32 bits.
inline constexpr Error kInt32OutOfRange =
    Error::Static("ERR value is out of range, value must between -2147483648 and 2147483647");
/// For a count that has no opposite: -2^63.
inline constexpr Error kNoOpposite = Error::Static(
    "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807");
inline constexpr Error kMustBePositive =
    Error::Static("ERR value is out of range, must be positive");
inline constexpr Error kOffsetOutOfRange = Error::Static("ERR offset is out of range");
inline constexpr Error kInvalidCursor = Error::Static("ERR invalid cursor");
inline constexpr Error kNoAuth = Error::Static("NOAUTH Authentication required.");
inline constexpr Error kWrongPass =
    Error::Static("WRONGPASS invalid username-password pair or user is disabled.");
inline constexpr Error kAuthWithoutPassword = Error::Static(
    "ERR AUTH <password> called without any password configured for the default user. Are you "
    "sure your configuration is correct?");
inline constexpr Error kOom =
    Error::Static("OOM command not allowed when used memory > 'maxmemory'.");
inline constexpr Error kExecAbort =
    Error::Static("EXECABORT Transaction discarded because of previous errors.");
inline constexpr Error kNestedMulti = Error::Static("ERR MULTI calls can not be nested");
inline constexpr Error kExecWithoutMulti = Error::Static("ERR EXEC without MULTI");
inline constexpr Error kDiscardWithoutMulti = Error::Static("ERR DISCARD without MULTI");
inline constexpr Error kWatchInMulti = Error::Static("ERR WATCH inside MULTI is not allowed");
inline constexpr Error kDbOutOfRange = Error::Static("ERR DB index is out of range");
inline constexpr Error kNoProto = Error::Static("NOPROTO unsupported protocol version");
inline constexpr Error kProtoNotInteger =
    Error::Static("ERR Protocol version is not an integer or out of range");
inline constexpr Error kStringTooBig =
    Error::Static("ERR string exceeds maximum allowed size (proto-max-bulk-len)");

/// "ERR invalid expire time in 'set' command". `command` is the lower-case full name.
Error InvalidExpire(std::string_view command);

/// "ERR wrong number of arguments for 'get' command". `command` is the lower-case full name
/// ("config|get" for a subcommand).
Error WrongArity(std::string_view command);

/// "ERR unknown command 'FOO', with args beginning with: 'a' 'b' ". Names and arguments are cut at
/// 128 octets and the list of arguments ends when it has reached 128 octets; CR and LF become
/// spaces. `args` holds the command name at 0.
Error UnknownCommand(const std::string_view* args, size_t argc);

/// "ERR unknown subcommand 'X'. Try CONFIG HELP." `command` is printed in upper case; `subcommand`
/// is cut at 128 octets.
Error UnknownSubcommand(std::string_view command, std::string_view subcommand);

}  // namespace errors
}  // namespace peal::protocol
