#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace peal::protocol {

/// Where encoders put octets. The usual call is two pointer operations; only a full buffer makes
/// the virtual call. Not thread safe: a sink belongs to whoever writes.
class ByteSink {
 public:
  ByteSink(const ByteSink&) = delete;
  ByteSink& operator=(const ByteSink&) = delete;
  virtual ~ByteSink() = default;

  /// Room for at least `n` octets, which become output when committed. Valid until the next call.
  char* Reserve(size_t n) {
    if (static_cast<size_t>(limit_ - cursor_) < n) [[unlikely]]
      Refill(n);
    return cursor_;
  }

  /// Takes the first `n` octets of the room as written; `n` is at most what was reserved.
  void Commit(size_t n) { cursor_ += n; }

  /// Copies `bytes`.
  void Append(std::string_view bytes) {
    if (bytes.empty()) return;
    std::memcpy(Reserve(bytes.size()), bytes.data(), bytes.size());
    Commit(bytes.size());
  }

 protected:
  ByteSink() = default;

  /// Makes limit_ - cursor_ >= n. What was committed before stays committed.
  virtual void Refill(size_t n) = 0;

  char* cursor_ = nullptr;
  char* limit_ = nullptr;
};

/// Collects everything into one string: for tests, tools and small encodings.
class StringSink final : public ByteSink {
 public:
  /// What was committed so far. Valid until the next write.
  std::string_view view() const {
    if (cursor_ == nullptr) return {};
    return {buffer_.data(), static_cast<size_t>(cursor_ - buffer_.data())};
  }

  /// Hands out what was committed and starts again empty.
  std::string Take() {
    std::string out(view());
    cursor_ = buffer_.data();
    return out;
  }

  /// Starts again empty; keeps room of up to `most_room` octets for what comes.
  void Clear(size_t most_room = SIZE_MAX) {
    if (buffer_.size() > most_room) {
      buffer_ = std::string();
      limit_ = nullptr;
    }
    cursor_ = buffer_.empty() ? nullptr : buffer_.data();
  }

 protected:
  void Refill(size_t n) override {
    const size_t used = cursor_ == nullptr ? 0 : static_cast<size_t>(cursor_ - buffer_.data());
    size_t size = buffer_.size() < 128 ? 256 : buffer_.size() * 2;
    if (size < used + n) size = used + n;
    buffer_.resize(size);
    cursor_ = buffer_.data() + used;
    limit_ = buffer_.data() + size;
  }

 private:
  std::string buffer_;
};

}  // namespace peal::protocol
