#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include "protocol/base/check.h"
#include "protocol/base/error.h"

namespace peal::protocol {

/// A value or the Error that stands in its place. Converts from either.
///
/// value() of a failed Result and error() of a good one break an invariant and abort in debug
/// builds.
template <class T>
class [[nodiscard]] Result {
 public:
  static_assert(!std::is_same_v<std::remove_cvref_t<T>, Error>, "an Error is not a value");
  static_assert(!std::is_reference_v<T>, "hold a pointer instead");

  template <class U = T>
    requires(std::is_constructible_v<T, U &&> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error>)
  Result(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return *Get(); }
  const T& value() const& { return *const_cast<Result*>(this)->Get(); }
  T&& value() && { return std::move(*Get()); }
  T& operator*() & { return *Get(); }
  const T& operator*() const& { return *const_cast<Result*>(this)->Get(); }
  T&& operator*() && { return std::move(*Get()); }
  T* operator->() { return Get(); }
  const T* operator->() const { return const_cast<Result*>(this)->Get(); }

  const Error& error() const& {
    PEAL_DCHECK(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    PEAL_DCHECK(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

 private:
  T* Get() {
    PEAL_DCHECK(ok());
    return std::get_if<0>(&state_);
  }

  std::variant<T, Error> state_;
};

/// Success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() : error_(Error::Static("")), ok_(true) {}
  Result(Error error) : error_(std::move(error)), ok_(false) {}

  bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }

  const Error& error() const& {
    PEAL_DCHECK(!ok_);
    return error_;
  }
  Error&& error() && {
    PEAL_DCHECK(!ok_);
    return std::move(error_);
  }

 private:
  Error error_;
  bool ok_;
};

}  // namespace peal::protocol

#define PEAL_RESULT_JOIN_INNER(a, b) a##b
#define PEAL_RESULT_JOIN(a, b) PEAL_RESULT_JOIN_INNER(a, b)

/// `PEAL_ASSIGN_OR_RETURN(const int64_t n, ParseCount(text));` declares `n` and gives it the value,
/// or returns the Error from the surrounding function. More than one statement: not for an if
/// without braces.
#define PEAL_ASSIGN_OR_RETURN(declaration, expression)                       \
  auto PEAL_RESULT_JOIN(peal_result_, __LINE__) = (expression);              \
  if (!PEAL_RESULT_JOIN(peal_result_, __LINE__).ok()) [[unlikely]]           \
    return std::move(PEAL_RESULT_JOIN(peal_result_, __LINE__)).error();      \
  /* NOLINTNEXTLINE(bugprone-macro-parentheses): a declaration takes none */ \
  declaration = *std::move(PEAL_RESULT_JOIN(peal_result_, __LINE__))

/// Returns the Error of a Result<void> from the surrounding function.
#define PEAL_RETURN_IF_ERROR(expression)     \
  do {                                       \
    auto peal_result = (expression);         \
    if (!peal_result.ok()) [[unlikely]]      \
      return std::move(peal_result).error(); \
  } while (false)
