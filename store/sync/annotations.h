#pragma once

/// Clang's thread-safety attributes under the names its manual uses; nothing on other compilers.
///
/// A violation is a compile error in the `dev` preset. Source: Clang, "Thread Safety Analysis".
#if defined(__clang__)
#define PEAL_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define PEAL_THREAD_ATTRIBUTE(x)
#endif

#ifndef CAPABILITY
#define CAPABILITY(x) PEAL_THREAD_ATTRIBUTE(capability(x))
#define SCOPED_CAPABILITY PEAL_THREAD_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(x) PEAL_THREAD_ATTRIBUTE(guarded_by(x))
#define PT_GUARDED_BY(x) PEAL_THREAD_ATTRIBUTE(pt_guarded_by(x))
#define REQUIRES(...) PEAL_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) PEAL_THREAD_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) PEAL_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) PEAL_THREAD_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) PEAL_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) PEAL_THREAD_ATTRIBUTE(release_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) PEAL_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define EXCLUDES(...) PEAL_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) PEAL_THREAD_ATTRIBUTE(assert_capability(x))
#define RETURN_CAPABILITY(x) PEAL_THREAD_ATTRIBUTE(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS PEAL_THREAD_ATTRIBUTE(no_thread_safety_analysis)
#endif
