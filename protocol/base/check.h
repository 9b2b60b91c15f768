#pragma once

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

/// Checks of invariants. A failed check is a bug of this program, never the fault of its input:
/// it prints the place and the condition on standard error and aborts.

namespace peal::protocol {

/// Reports a broken invariant and ends the process. Cold and out of line, so that a check costs its
/// caller one compare and one branch.
[[noreturn]] [[gnu::cold]] [[gnu::noinline]] inline void CheckFailed(const char* file, int line,
                                                                     const char* condition) {
  std::fprintf(stderr, "%s:%d: check failed: %s\n", file, line, condition);
  std::fflush(stderr);
  std::abort();
}

}  // namespace peal::protocol

/// Always on.
#define PEAL_CHECK(condition)         \
  ((condition) ? static_cast<void>(0) \
               : ::peal::protocol::CheckFailed(__FILE__, __LINE__, #condition))

/// On in builds without NDEBUG; otherwise the condition is compiled but not evaluated.
#ifdef NDEBUG
#define PEAL_DCHECK(condition) static_cast<void>(sizeof((condition) ? 1 : 0))
#else
#define PEAL_DCHECK(condition) PEAL_CHECK(condition)
#endif

namespace peal::protocol {

/// What is in `holder`, where an earlier step has seen to it that there is something. Always on.
template <class T>
const T& Checked(const std::optional<T>& holder) {
  PEAL_CHECK(holder.has_value());
  return *holder;
}
template <class T>
T Checked(std::optional<T>&& holder) {
  PEAL_CHECK(holder.has_value());
  return *std::move(holder);
}

}  // namespace peal::protocol
