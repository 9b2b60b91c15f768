#pragma once

#include <cstdint>

#include "broker/net/buffer.h"
#include "protocol/resp/sink.h"

namespace peal::broker {

class Connection;

/// The block into which a reactor encodes replies and messages: one growing end, shared by
/// reference.
///
/// Bytes written one after another lie one after another, so whoever queues them piecewise gets one
/// range. When a block is full a new one begins; queues keep the old one alive. Reactor thread
/// only.
class Arena final : public protocol::ByteSink {
 public:
  static constexpr uint32_t kBlockBytes = 64 * 1024 - 64;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override {
    if (block_ != nullptr) block_->Release();
  }

  /// Begins a piece that will lie in one range: room for `bytes` (what is written is moved if it
  /// grows).
  char* Begin(size_t bytes) {
    mark_ = cursor_;
    char* at = Reserve(bytes);
    mark_ = at;
    spill_ = nullptr;
    return at;
  }
  /// Begins a piece that may go out in several ranges: when a block is full, what was written so
  /// far is queued on `connection`. The caller queues the rest (End) itself.
  void BeginSpilling(Connection* connection) {
    mark_ = cursor_;
    spill_ = connection;
  }
  /// The piece written since Begin. Valid until the next Begin unless the caller takes a reference.
  Range End() const {
    return Range{block_, static_cast<uint32_t>(mark_ - block_->data()),
                 static_cast<uint32_t>(cursor_ - mark_)};
  }
  /// Bytes written since Begin.
  size_t written() const { return static_cast<size_t>(cursor_ - mark_); }
  /// Takes back what was written since Begin beyond `bytes`.
  void Truncate(size_t bytes) { cursor_ = mark_ + bytes; }

 protected:
  void Refill(size_t n) override;

 private:
  Buffer* block_ = nullptr;
  char* mark_ = nullptr;
  Connection* spill_ = nullptr;
};

}  // namespace peal::broker
