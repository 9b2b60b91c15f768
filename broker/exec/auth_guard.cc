#include "broker/exec/auth_guard.h"

#include <algorithm>

#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"

namespace peal::broker {

IpAddress AuthGuard::Key(const IpAddress& address) {
  constexpr size_t kNetworkBytes = 8;
  IpAddress key = address;
  if (!key.is_v4) std::fill(key.bytes.begin() + kNetworkBytes, key.bytes.end(), uint8_t{0});
  return key;
}

size_t AuthGuard::SetOf(const IpAddress& key) {
  // FNV-1a. Who picks addresses to fall into one set gains a few more guesses.
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : key.bytes) hash = (hash ^ byte) * 0x100000001b3;
  return (hash >> 32) % kSets;
}

uint32_t AuthGuard::Failures(const IpAddress& address, int64_t now_ms) const {
  const int64_t minute = now_ms / kMinuteMs;
  if (last_minute_.load(std::memory_order_relaxed) != minute) return 0;
  const IpAddress key = Key(address);
  store::MutexLock lock(mutex_);
  for (const Entry& entry : sets_[SetOf(key)]) {
    if (entry.minute == minute && entry.address == key) return entry.failures;
  }
  return 0;
}

uint32_t AuthGuard::Add(const IpAddress& address, int64_t now_ms) {
  const int64_t minute = now_ms / kMinuteMs;
  last_minute_.store(minute, std::memory_order_relaxed);
  const IpAddress key = Key(address);
  store::MutexLock lock(mutex_);
  Set& set = sets_[SetOf(key)];
  auto chosen = std::ranges::find_if(
      set, [&](const Entry& entry) { return entry.minute == minute && entry.address == key; });
  if (chosen == set.end()) {
    chosen = std::ranges::min_element(
        set, {}, [&](const Entry& entry) { return entry.minute == minute ? entry.failures : 0; });
    *chosen = {.address = key, .failures = 0, .minute = minute};
  }
  return ++chosen->failures;
}

std::optional<protocol::Error> RefuseAttempt(Client& client) {
  Server& server = client.worker().server();
  const uint32_t most = server.config().auth_failures_per_min;
  if (most == 0) return std::nullopt;
  const std::optional<IpAddress> address = PeerIp(client.fd());
  if (!address || server.auth_guard().Failures(*address, client.worker().now_ms()) < most) {
    return std::nullopt;
  }
  server.auth_guard().CountRefusal();
  static RateLimitedLog limited(LogLevel::kWarning, 1);
  limited.Write(
      "refusing attempts to authenticate from {}: it failed {} times in this minute"
      " (auth-failures-per-minute)",
      address->Show(), most);
  client.CloseAfterFlush();
  return protocol::Error::Static(
      "ERR too many failed attempts to authenticate from this address, try again in a minute");
}

void NoteFailedAttempt(Client& client, std::string_view reason) {
  Worker& worker = client.worker();
  uint32_t failures = 1;
  if (const std::optional<IpAddress> address = PeerIp(client.fd()); address) {
    failures = worker.server().auth_guard().Add(*address, worker.now_ms());
  }
  static RateLimitedLog limited(LogLevel::kNotice, 5);
  limited.Write(
      "client id={} addr={} failed to authenticate: {}; {} failures of its address in this minute",
      client.id(), client.PeerAddress(), reason, failures);
}

}  // namespace peal::broker
