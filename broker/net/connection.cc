#include "broker/net/connection.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "broker/metrics/clock.h"
#include "broker/net/reactor.h"
#include "broker/net/transport.h"

namespace peal::broker {
namespace {

constexpr int kGather = 64;
// Up to here an unfinished request is kept by copying it to and fro the reactor's buffer; beyond,
// the connection reads into a buffer of its own, so that no byte is copied again and again.
constexpr size_t kSmallTail = 4096;
constexpr size_t kOwnRead = 64 * 1024;
// On a connection whose socket is full, pieces below this are copied together (see OutputQueue).
constexpr uint32_t kCompactBytes = 4096;

}  // namespace

Connection::Connection(Reactor& reactor, int fd, ClientId id, Transport& transport)
    : reactor_(reactor), id_(id), transport_(transport), fd_(fd) {
  PEAL_CHECK(uv_poll_init(reactor.loop(), &poll_, fd) == 0);
  poll_.data = this;
  UpdateInterest();
}

Connection::~Connection() {
  std::free(tail_);
  transport_.Release();
}

void Connection::UpdateInterest() {
  if (is_torn_down_) return;
  const bool waits = (pauses_ & static_cast<uint8_t>(Pause::kBlocked)) != 0;
  const int wanted = (pauses_ == 0 ? UV_READABLE : 0) | (waits ? UV_DISCONNECT : 0) |
                     (wants_write_ ? UV_WRITABLE : 0);
  if (wanted == interest_) return;
  interest_ = static_cast<int8_t>(wanted);
  if (wanted == 0) {
    uv_poll_stop(&poll_);
  } else {
    PEAL_CHECK(uv_poll_start(&poll_, wanted, OnPoll) == 0);
  }
}

void Connection::OnPoll(uv_poll_t* handle, int status, int events) {
  auto& self = *static_cast<Connection*>(handle->data);
  Reactor& reactor = self.reactor_;
  reactor.BeginTurn();
  reactor.YieldToExclusive();
  if (status < 0) {
    self.interest_ = 0;  // libuv has stopped watching
    self.Close();
    return;
  }
  if ((events & UV_WRITABLE) != 0) self.OnWritable();
  if ((events & UV_DISCONNECT) != 0 && self.pauses_ != 0) return self.Close();
  if ((events & UV_READABLE) != 0 && self.pauses_ == 0 && !self.is_closing_) self.OnReadable();
}

void Connection::OnWritable() {
  wants_write_ = false;
  UpdateInterest();
  MarkDirty();
}

void Connection::ReserveTail(size_t bytes) {
  if (bytes <= tail_capacity_) return;
  PEAL_CHECK(bytes < UINT32_MAX);
  auto* grown = static_cast<char*>(std::realloc(tail_, bytes));
  if (grown == nullptr) throw std::bad_alloc();
  tail_ = grown;
  tail_capacity_ = static_cast<uint32_t>(bytes);
}

void Connection::KeepTail(std::span<const char> tail) {
  if (tail.empty()) {
    if (tail_ != nullptr) {
      std::free(tail_);
      tail_ = nullptr;
      tail_size_ = tail_capacity_ = 0;
    }
    return;
  }
  if (tail.data() >= tail_ && tail.data() < tail_ + tail_capacity_) {
    std::memmove(tail_, tail.data(), tail.size());
  } else {
    ReserveTail(tail.size());
    std::memcpy(tail_, tail.data(), tail.size());
  }
  tail_size_ = static_cast<uint32_t>(tail.size());
}

void Connection::OnReadable() {
  if (!transport_.is_ready() && !ShakeHands()) [[unlikely]]
    return;
  ReadOnce();
  if (transport_.has_output() && !is_closing_) [[unlikely]]
    SendKept();
  if (transport_.has_input() && !is_closing_ && pauses_ == 0) [[unlikely]]
    MakeRunnable();
}

bool Connection::ShakeHands() {
  if (!reactor_.MayShakeHands()) {
    PauseReading(Pause::kHandshake);
    is_greeting_ = true;
    reactor_.greeting_.push_back(this);
    return false;
  }
  const int64_t begin_us = MonotonicUs();
  const ssize_t status = transport_.Handshake(fd_);
  reactor_.handshake_us_ += MonotonicUs() - begin_us;
  if (transport_.has_output() && status != 1 && !SendKept()) return false;
  if (status == 1) {
    OnReady();
    MarkDirty();
    return !is_closing_ && pauses_ == 0;
  }
  if (status != -EAGAIN) Close();
  return false;
}

void Connection::MakeRunnable() {
  if (is_runnable_) return;
  is_runnable_ = true;
  reactor_.runnable_.push_back(this);
}

bool Connection::SendKept() {
  if (wants_write_) return false;
  const ssize_t sent = transport_.Write(fd_, nullptr, 0);
  if (sent == -EAGAIN) {
    wants_write_ = true;
    UpdateInterest();
    return false;
  }
  if (sent < 0) Close();
  return sent >= 0;
}

void Connection::ReadOnce() {
  ++reactor_.counters_.reads;
  const std::span<char> direct = DirectInput();
  if (tail_size_ > kSmallTail && direct.empty()) {
    if (tail_size_ > InputLimit()) {
      OnInputLimit();
      Close();
      return;
    }
    if (tail_capacity_ - tail_size_ < kOwnRead / 4) {
      ReserveTail(std::max<size_t>(tail_size_ + kOwnRead, tail_size_ + tail_size_ / 2));
    }
    const iovec own{tail_ + tail_size_, tail_capacity_ - tail_size_};
    const ssize_t n = transport_.Read(fd_, &own, 1);
    if (n == -EAGAIN) return;
    if (n <= 0) return Close();
    reactor_.counters_.bytes_in += static_cast<uint64_t>(n);
    tail_size_ += static_cast<uint32_t>(n);
    return Feed({tail_, tail_size_});
  }
  if (tail_size_ > kSmallTail) {
    // A large argument after many bytes of its own request: only the argument is read now.
    const iovec only{direct.data(), direct.size()};
    const ssize_t n = transport_.Read(fd_, &only, 1);
    if (n == -EAGAIN) return;
    if (n <= 0) return Close();
    reactor_.counters_.bytes_in += static_cast<uint64_t>(n);
    OnDirectInput(static_cast<size_t>(n));
    if (static_cast<size_t>(n) == direct.size()) Feed({tail_, tail_size_});
    return;
  }
  // The usual case: the reactor's buffer, with what was left over in front.
  char* const buffer = reactor_.read_buffer_.get();
  const size_t kept = tail_size_;
  iovec ranges[2] = {{direct.data(), direct.size()},
                     {buffer + kept, reactor_.read_buffer_bytes_ - kept}};
  const int skip = direct.empty() ? 1 : 0;
  ssize_t n = transport_.Read(fd_, ranges + skip, 2 - skip);
  if (n == -EAGAIN) return;
  if (n <= 0) return Close();
  reactor_.counters_.bytes_in += static_cast<uint64_t>(n);
  if (!direct.empty()) {
    const size_t filled = std::min(static_cast<size_t>(n), direct.size());
    OnDirectInput(filled);
    n -= static_cast<ssize_t>(filled);
    if (n == 0 && filled < direct.size()) return;
  }
  if (kept != 0) std::memcpy(buffer, tail_, kept);
  Feed({buffer, kept + static_cast<size_t>(n)});
}

void Connection::Feed(std::span<char> input) {
  const std::span<char> kept = OnInput(input);
  KeepTail(is_closing_ ? std::span<char>() : kept);
  if (output_.bytes() > Reactor::kOutputPauseBytes && !is_closing_ && !close_after_flush_) {
    PauseReading(Pause::kOutput);
  }
}

void Connection::ProcessKeptInput() {
  if (is_closing_ || pauses_ != 0) return;
  // Together with what is kept, so that a request cut in two is not parsed twice.
  if (transport_.has_input()) [[unlikely]]
    return OnReadable();
  if (tail_size_ != 0) Feed({tail_, tail_size_});
}

void Connection::PauseReading(Pause reason) {
  pauses_ |= static_cast<uint8_t>(reason);
  UpdateInterest();
}

void Connection::ResumeReading(Pause reason) {
  if ((pauses_ & static_cast<uint8_t>(reason)) == 0) return;
  pauses_ &= static_cast<uint8_t>(~static_cast<uint8_t>(reason));
  if (pauses_ != 0) return;
  UpdateInterest();
  if ((tail_size_ != 0 || transport_.has_input()) && !is_closing_) MakeRunnable();
}

void Connection::MarkDirty() {
  if (is_dirty_) return;
  is_dirty_ = true;
  reactor_.dirty_.push_back(this);
}

void Connection::Queue(Range range) {
  if (is_closing_) return;
  if (wants_write_ && range.length < kCompactBytes) {
    output_.PushCopy({range.data(), range.length});
  } else {
    output_.Push(range);
  }
  MarkDirty();
  CheckOutputLimit();
}

void Connection::QueueCopy(std::string_view bytes) {
  if (is_closing_) return;
  output_.PushCopy(bytes);
  MarkDirty();
  CheckOutputLimit();
}

void Connection::CheckOutputLimit() {
  const OutputLimit& limit = reactor_.output_limits_[static_cast<size_t>(client_class_)];
  const uint64_t bytes = output_.bytes();
  if (limit.hard_bytes != 0 && bytes > limit.hard_bytes) [[unlikely]] {
    OnOutputLimit(true);
    Close();
    return;
  }
  if (limit.soft_bytes == 0 || bytes <= limit.soft_bytes) [[likely]] {
    soft_limit_since_s_ = 0;
    return;
  }
  const auto now_s = static_cast<uint32_t>(reactor_.turn_us() / 1'000'000 + 1);
  if (soft_limit_since_s_ == 0) {
    soft_limit_since_s_ = now_s;
  } else if (now_s - soft_limit_since_s_ > limit.soft_seconds) {
    OnOutputLimit(false);
    Close();
  }
}

void Connection::Flush() {
  is_dirty_ = false;
  if (is_torn_down_) return MaybeDelete();
  if (is_closing_ || wants_write_) return;
  if (transport_.has_output() && output_.empty() && !SendKept()) [[unlikely]]
    return;
  while (!output_.empty() && transport_.is_ready()) {
    iovec ranges[kGather];
    const int count = output_.Gather(ranges, kGather);
    size_t offered = 0;
    for (int i = 0; i < count; ++i) offered += ranges[i].iov_len;
    ++reactor_.counters_.writes;
    const ssize_t sent = transport_.Write(fd_, ranges, count);
    if (sent == -EAGAIN || (sent >= 0 && static_cast<size_t>(sent) < offered)) {
      if (sent > 0) {
        reactor_.counters_.bytes_out += static_cast<uint64_t>(sent);
        output_.Consume(static_cast<uint64_t>(sent));
      }
      wants_write_ = true;
      output_.Compact(kCompactBytes);
      UpdateInterest();
      break;
    }
    if (sent < 0) return Close();
    reactor_.counters_.bytes_out += static_cast<uint64_t>(sent);
    output_.Consume(static_cast<uint64_t>(sent));
  }
  if (output_.bytes() <= Reactor::kOutputPauseBytes / 2) ResumeReading(Pause::kOutput);
  if (close_after_flush_ && (output_.empty() || !transport_.is_ready())) Close();
}

void Connection::Close() {
  if (is_closing_) return;
  is_closing_ = true;
  reactor_.closing_.push_back(this);
}

void Connection::CloseAfterFlush() {
  if (close_after_flush_) return;
  close_after_flush_ = true;
  PauseReading(Pause::kClosing);
  MarkDirty();
}

void Connection::TearDown() {
  if (is_torn_down_) return;
  ++pins_;  // OnClosed may Unpin
  OnClosed();
  uv_poll_stop(&poll_);
  is_torn_down_ = true;
  transport_.Close(fd_);
  output_.Clear();
  KeepTail({});
  uv_close(reinterpret_cast<uv_handle_t*>(&poll_), [](uv_handle_t* handle) {
    auto* self = static_cast<Connection*>(handle->data);
    self->handle_gone_ = true;
    self->MaybeDelete();
  });
  ::close(fd_);
  fd_ = -1;
  reactor_.load_.fetch_sub(1, std::memory_order_relaxed);
  --pins_;
}

void Connection::Unpin() {
  PEAL_DCHECK(pins_ != 0);
  --pins_;
  MaybeDelete();
}

void Connection::MaybeDelete() {
  // Lists of the reactor may still name it: they let go first.
  if (handle_gone_ && pins_ == 0 && !is_dirty_ && !is_runnable_ && !is_greeting_) delete this;
}

}  // namespace peal::broker
