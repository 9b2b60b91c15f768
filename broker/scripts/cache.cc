#include "broker/scripts/cache.h"

#include <openssl/evp.h>

#include <utility>

#include "protocol/base/check.h"

namespace peal::broker {
namespace {

// What a script takes beside its text: the entry, its digest, its place in the table.
constexpr size_t kOverhead = sizeof(Script) + 64;

}  // namespace

std::string Sha1Hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  PEAL_CHECK(EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha1(), nullptr) == 1);
  std::string hex(size_t{size} * 2, '0');
  for (unsigned int i = 0; i < size; ++i) {
    hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
    hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

ScriptRef ScriptCache::Find(std::string_view sha) {
  const store::MutexLock lock(mutex_);
  const auto at = scripts_.find(sha);
  return at == scripts_.end() ? nullptr : at->second;
}

ScriptRef ScriptCache::Add(ScriptRef script) {
  const store::MutexLock lock(mutex_);
  const auto [at, is_new] = scripts_.emplace(script->sha, script);
  if (!is_new) return at->second;
  bytes_ += script->body.size() + kOverhead;
  if (!script->is_pinned.load()) {
    ++by_eval_;
    bytes_by_eval_ += script->body.size() + kOverhead;
    Use(*script);
    Evict();
  }
  return script;
}

void ScriptCache::Pin(Script& script) {
  const store::MutexLock lock(mutex_);
  if (script.is_pinned.exchange(true) || script.is_gone.load()) return;
  --by_eval_;
  bytes_by_eval_ -= script.body.size() + kOverhead;
}

void ScriptCache::Evict() {
  while (by_eval_ > 1 && (by_eval_ > kMostByEval || bytes_by_eval_ > kMostBytesByEval)) {
    auto oldest = scripts_.end();
    for (auto at = scripts_.begin(); at != scripts_.end(); ++at) {
      if (at->second->is_pinned.load(std::memory_order_relaxed)) continue;
      if (oldest == scripts_.end() ||
          at->second->last_use.load(std::memory_order_relaxed) <
              oldest->second->last_use.load(std::memory_order_relaxed)) {
        oldest = at;
      }
    }
    const ScriptRef gone = oldest->second;
    scripts_.erase(oldest);
    gone->is_gone.store(true);
    bytes_ -= gone->body.size() + kOverhead;
    bytes_by_eval_ -= gone->body.size() + kOverhead;
    --by_eval_;
    evicted_.fetch_add(1, std::memory_order_relaxed);
  }
}

void ScriptCache::Flush() {
  const store::MutexLock lock(mutex_);
  for (const auto& [sha, script] : scripts_) script->is_gone.store(true);
  scripts_.clear();
  bytes_ = by_eval_ = bytes_by_eval_ = 0;
}

ScriptCache::Facts ScriptCache::facts() {
  const store::MutexLock lock(mutex_);
  return {.scripts = scripts_.size(),
          .bytes = bytes_,
          .evicted = evicted_.load(std::memory_order_relaxed)};
}

}  // namespace peal::broker
