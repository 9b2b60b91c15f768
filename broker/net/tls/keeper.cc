#include "broker/net/tls/keeper.h"

#include <sys/stat.h>

#include <utility>

#include "broker/log/log.h"

namespace peal::broker {
namespace {

using protocol::Result;

std::string SignFile(const std::string& path) {
  struct stat status{};
  if (stat(path.c_str(), &status) != 0) return path + " missing";
  return path + " " + std::to_string(status.st_ino) + " " + std::to_string(status.st_size) + " " +
         std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
}

TlsKeeper::Signature Sign(const TlsSettings& settings) {
  TlsKeeper::Signature signature;
  for (const std::string* path :
       {&settings.cert_file, &settings.key_file, &settings.key_file_pass_file,
        &settings.ca_cert_file, &settings.dh_params_file, &settings.ca_cert_dir}) {
    if (!path->empty()) signature.push_back(SignFile(*path));
  }
  return signature;
}

}  // namespace

Result<TlsKeeper::Made> TlsKeeper::Make(const TlsSettings& settings) {
  // Signed before they are read: what changes meanwhile shows as a change at the next look.
  Made made{.settings = settings, .signature = Sign(settings), .context = nullptr};
  PEAL_ASSIGN_OR_RETURN(made.context, TlsContext::Make(settings));
  return made;
}

std::shared_ptr<const TlsContext> TlsKeeper::Current() const {
  store::MutexLock lock(mutex_);
  return made_.context;
}

void TlsKeeper::Put(Made made, uint32_t reload_interval_s) {
  store::MutexLock lock(mutex_);
  std::swap(made_, made);
  interval_s_ = reload_interval_s;
  ++version_;
}

void TlsKeeper::Reload(std::string_view why) {
  TlsSettings settings;
  uint64_t version = 0;
  {
    store::MutexLock lock(mutex_);
    if (made_.context == nullptr) return;
    settings = made_.settings;
    version = version_;
  }
  Signature signature = Sign(settings);
  Result<Made> made = Make(settings);
  std::shared_ptr<const TlsContext> old;
  {
    store::MutexLock lock(mutex_);
    // A change of the configuration came first, with files just read.
    if (version != version_) return;
    if (made.ok()) old = std::exchange(made_.context, made->context);
    made_.signature = std::move(signature);
  }
  if (!made.ok()) {
    failed_reloads_.fetch_add(1, std::memory_order_relaxed);
    LogWarning("TLS files were not taken over after {}, the old ones stay in use: {}", why,
               made.error().text());
    return;
  }
  reloads_.fetch_add(1, std::memory_order_relaxed);
  LogNotice("TLS files read afresh after {}: certificate {}", why,
            made->context->certificate_serial());
}

void TlsKeeper::LookAtFiles(int64_t now_ms) {
  if (now_ms < next_look_ms_) return;
  TlsSettings settings;
  Signature used;
  {
    store::MutexLock lock(mutex_);
    if (made_.context == nullptr || interval_s_ == 0) return;
    settings = made_.settings;
    used = made_.signature;
    next_look_ms_ = now_ms + int64_t{interval_s_} * 1000;
  }
  Signature signature = Sign(settings);
  const bool is_at_rest = signature == seen_;
  seen_ = std::move(signature);
  if (is_at_rest && seen_ != used) Reload("a change of the files");
}

}  // namespace peal::broker
