#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::protocol {

/// Reads the arguments of a command one after another. The first error wins and sticks; readers
/// after it return neutral values, so a function may read everything and look once at the end.
///
/// Views stay those of the request. Not thread-safe.
class ArgReader {
 public:
  /// `args` with the command's name in front; reading begins behind the first `skip` of them.
  explicit ArgReader(std::span<const std::string_view> args, size_t skip = 1)
      : args_(args), at_(skip) {}

  bool HasMore() const { return at_ < args_.size() && !error_; }
  size_t index() const { return at_; }
  size_t Remaining() const { return args_.size() - at_; }
  std::string_view Peek() const { return at_ < args_.size() ? args_[at_] : std::string_view(); }

  std::string_view String() {
    if (error_) return {};
    if (at_ >= args_.size()) {
      Fail(errors::kSyntax);
      return {};
    }
    return args_[at_++];
  }
  std::string_view Key() { return String(); }

  /// A 64-bit integer in Redis' strict form.
  int64_t Int64() {
    const std::string_view text = String();
    if (error_) return 0;
    const auto value = ParseInt64(text);
    if (!value) Fail(errors::kNotInteger);
    return value.value_or(0);
  }

  double Double() {
    const std::string_view text = String();
    if (error_) return 0;
    const auto value = ParseDouble(text);
    if (!value) Fail(errors::kNotFloat);
    return value.value_or(0);
  }

  /// Consumes the next argument if it is `word` in any letter case.
  bool OptionIs(std::string_view word) {
    if (!HasMore() || !EqualsIgnoreCase(args_[at_], word)) return false;
    ++at_;
    return true;
  }

  void Require(bool condition, const Error& error) {
    if (!condition) Fail(error);
  }
  void Fail(const Error& error) {
    if (!error_) error_ = error;
  }
  bool failed() const { return error_.has_value(); }

  /// True if everything was read and nothing failed; what is left over is a syntax error.
  bool Done() {
    if (!error_ && at_ < args_.size()) error_ = errors::kSyntax;
    return !error_;
  }
  Error TakeError() { return error_ ? *error_ : errors::kSyntax; }

 private:
  std::span<const std::string_view> args_;
  size_t at_;
  std::optional<Error> error_;
};

}  // namespace peal::protocol
