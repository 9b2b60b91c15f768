#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/config/config.h"
#include "broker/net/tls/context.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// Holds the TLS context for new connections, and replaces it when its files change.
///
/// [any thread] Contexts are made outside the lock; of two that are made at the same time the one
/// begun later by Put wins. A reload that fails keeps the old context and says so in the log.
class TlsKeeper {
 public:
  /// Null while there is no TLS port.
  std::shared_ptr<const TlsContext> Current() const;

  /// Names, sizes and times of the files: another one is another state of them.
  using Signature = std::vector<std::string>;
  /// A context, what it was made from, and how the files looked before they were read.
  struct Made {
    TlsSettings settings;
    Signature signature;
    std::shared_ptr<const TlsContext> context;
  };
  /// Makes a context without using it yet. Errors as TlsContext::Make.
  static protocol::Result<Made> Make(const TlsSettings& settings);

  /// Uses `made` from now on; one without a context switches TLS off.
  void Put(Made made, uint32_t reload_interval_s);

  /// Makes the context anew from its files. `why` stands in the log: "SIGHUP". With new keys for
  /// session tickets, so that sessions begun before are not resumed.
  void Reload(std::string_view why);

  /// To be called now and then, at `now_ms` of a monotonic clock: looks at the files when
  /// tls-auto-reload-interval has passed, and reloads if they have changed. Files that change from
  /// one look to the next are being written: they are left alone until they rest.
  void LookAtFiles(int64_t now_ms);

  uint64_t reloads() const { return reloads_.load(std::memory_order_relaxed); }
  uint64_t failed_reloads() const { return failed_reloads_.load(std::memory_order_relaxed); }

 private:
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  /// In use. Its signature is that of the last attempt, even if that failed.
  Made made_ GUARDED_BY(mutex_);
  uint64_t version_ GUARDED_BY(mutex_) = 0;  // counts Put
  uint32_t interval_s_ GUARDED_BY(mutex_) = 0;

  // Of the thread that calls LookAtFiles.
  Signature seen_;
  int64_t next_look_ms_ = 0;

  std::atomic<uint64_t> reloads_{0};
  std::atomic<uint64_t> failed_reloads_{0};
};

}  // namespace peal::broker
