#include "broker/scripts/cache.h"

#include <openssl/evp.h>

#include <algorithm>
#include <utility>

#include "protocol/base/check.h"

namespace peal::broker {
namespace {

// What a script takes beside its text: the entry, its digest, its place in the table.
constexpr size_t kOverhead = sizeof(Script) + 64;

/// The same text with marks of its own.
ScriptRef Copy(const Script& script) {
  auto copy = std::make_shared<Script>();
  copy->sha = script.sha;
  copy->body = script.body;
  copy->shebang = script.shebang;
  copy->is_pinned.store(script.is_pinned.load());
  return copy;
}

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
  // It was found here, and flushed or evicted while it was compiled.
  if (script->is_gone.load()) script = Copy(*script);
  const auto [at, is_new] = scripts_.emplace(script->sha, script);
  if (!is_new) {
    if (script->is_pinned.load()) Pin(*at->second);
    return at->second;
  }
  bytes_ += script->body.size() + kOverhead;
  if (!script->is_pinned.load()) {
    by_eval_.push_back(script.get());
    bytes_by_eval_ += script->body.size() + kOverhead;
    Use(*script);
    Evict();
  }
  return script;
}

ScriptRef ScriptCache::FindAndPin(std::string_view sha) {
  const store::MutexLock lock(mutex_);
  const auto at = scripts_.find(sha);
  if (at == scripts_.end()) return nullptr;
  Pin(*at->second);
  return at->second;
}

void ScriptCache::Pin(Script& script) {
  if (script.is_pinned.exchange(true)) return;
  DropFromEval(std::find(by_eval_.begin(), by_eval_.end(), &script));
}

void ScriptCache::DropFromEval(std::vector<Script*>::iterator at) {
  bytes_by_eval_ -= (*at)->body.size() + kOverhead;
  *at = by_eval_.back();
  by_eval_.pop_back();
}

void ScriptCache::Evict() {
  const auto was_used_before = [](const Script* a, const Script* b) {
    return a->last_use.load(std::memory_order_relaxed) <
           b->last_use.load(std::memory_order_relaxed);
  };
  while (by_eval_.size() > 1 &&
         (by_eval_.size() > kMostByEval || bytes_by_eval_ > kMostBytesByEval)) {
    const auto oldest = std::min_element(by_eval_.begin(), by_eval_.end(), was_used_before);
    const ScriptRef gone = scripts_.extract((*oldest)->sha).mapped();
    DropFromEval(oldest);
    gone->is_gone.store(true);
    bytes_ -= gone->body.size() + kOverhead;
    evicted_.fetch_add(1, std::memory_order_relaxed);
  }
}

void ScriptCache::Flush() {
  const store::MutexLock lock(mutex_);
  for (const auto& [sha, script] : scripts_) script->is_gone.store(true);
  scripts_.clear();
  by_eval_.clear();
  bytes_ = bytes_by_eval_ = 0;
}

ScriptCache::Facts ScriptCache::facts() {
  const store::MutexLock lock(mutex_);
  return {.scripts = scripts_.size(),
          .bytes = bytes_,
          .evicted = evicted_.load(std::memory_order_relaxed)};
}

}  // namespace peal::broker
