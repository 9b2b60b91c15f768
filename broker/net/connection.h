#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "broker/config/config.h"
#include "broker/net/buffer.h"
#include "broker/net/output_queue.h"
#include "broker/net/uv.h"

namespace peal::broker {

class Reactor;
class Transport;

/// Never reused. The high bits count connections, so a later connection has a larger id; the low
/// bits name the reactor, so that a post to a client needs no registry.
using ClientId = uint64_t;
inline constexpr int kReactorBits = 6;
inline constexpr int kMaxReactors = 1 << kReactorBits;
inline int ReactorOf(ClientId id) { return static_cast<int>(id & (kMaxReactors - 1)); }

/// Why a connection does not read for now. Several may hold at once.
enum class Pause : uint8_t {
  kOutput = 1,        // its replies pile up unread
  kBackPressure = 2,  // it publishes faster than some reactor can deliver
  kClientPause = 4,   // CLIENT PAUSE
  kJob = 8,           // a long command of its own goes on in slices
  kClosing = 16,      // only its last replies are still to be sent
  kBlocked = 32,      // it waits for a key; that it goes away is noticed all the same
  kHandshake = 64,    // its handshake waits for its turn
};

/// One client connection. It is born, lives and dies on one reactor thread.
///
/// Every method needs that thread (or all reactors parked, for reading state). To reach a
/// connection from elsewhere, post to its reactor with the id; the post is dropped if the client
/// has gone. Life: the reactor creates it, Close() marks it, the reactor tears it down at the end
/// of the turn and calls OnClosed; it is deleted when libuv has let go of the handle and Unpin was
/// called as often as Pin.
class Connection {
 public:
  /// Takes over `fd`, a connected non-blocking socket.
  Connection(Reactor& reactor, int fd, ClientId id, Transport& transport);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ClientId id() const { return id_; }
  Reactor& reactor() const { return reactor_; }
  int fd() const { return fd_; }
  bool is_closing() const { return is_closing_; }
  const OutputQueue& output() const { return output_; }
  ClientClass client_class() const { return client_class_; }
  void set_client_class(ClientClass client_class) { client_class_ = client_class; }
  /// Bytes of unfinished input kept between reads.
  size_t input_bytes() const { return tail_size_; }
  /// Memory held for unfinished input, in bytes.
  size_t input_capacity() const { return tail_capacity_; }
  bool IsPaused() const { return pauses_ != 0; }
  /// It is to be closed: nothing of its input is processed any more. With all reactors parked, any
  /// thread.
  void StopReading() { pauses_ |= static_cast<uint8_t>(Pause::kClosing); }
  Transport& transport() const { return transport_; }

  /// Queues `range` (a reference to its buffer is taken) to be sent at the end of the turn.
  ///
  /// Counts towards the output limit at once; passing it marks the connection for closing. Nothing
  /// is closed before the end of the turn, because the caller may be walking a list of subscribers.
  void Queue(Range range);
  /// As Queue, for bytes that are copied.
  void QueueCopy(std::string_view bytes);

  /// Sends what the socket takes now. Called once a turn by the reactor.
  void Flush();

  /// Marks the connection for closing at the end of the turn; unsent output is dropped.
  void Close();
  /// Reads no more, and closes once everything queued is sent.
  void CloseAfterFlush();

  /// Closes if the soft output limit has been passed for too long; for a look now and then.
  void CheckSoftLimit() { CheckOutputLimit(); }

  void PauseReading(Pause reason);
  /// Takes the reason back. With none left, kept input is processed on the next turn and reading
  /// goes on.
  void ResumeReading(Pause reason);

  /// Puts off deletion while somebody walks lists that hold the connection.
  void Pin() { ++pins_; }
  void Unpin();

 protected:
  virtual ~Connection();

  /// Handles complete requests at the front of `input`; returns the part of it to be kept, which
  /// comes again in front of later bytes. `input` may be written to; it is gone afterwards.
  virtual std::span<char> OnInput(std::span<char> input) = 0;
  /// Where the next bytes of a large argument go, or empty. Bytes put there are told by
  /// OnDirectInput.
  virtual std::span<char> DirectInput() = 0;
  virtual void OnDirectInput(size_t bytes) = 0;
  /// The transport is ready: what is read from now on is input.
  virtual void OnReady() {}
  /// The socket is closed: leave all lists. Called once, on the reactor's thread, outside any walk.
  virtual void OnClosed() = 0;
  /// The output limit was passed; called once, before the close.
  virtual void OnOutputLimit(bool hard) = 0;
  /// Most bytes of one unfinished request that are kept (client-query-buffer-limit).
  virtual size_t InputLimit() const = 0;
  /// An unfinished request passed InputLimit; the connection is closed after this call.
  virtual void OnInputLimit() = 0;

  Reactor& reactor_;

 private:
  friend class Reactor;

  static void OnPoll(uv_poll_t* handle, int status, int events);
  void OnReadable();
  void OnWritable();
  void ReadOnce();
  void ProcessKeptInput();
  /// Goes on with the handshake, now or when its turn comes. True if input may be read.
  bool ShakeHands();
  void MakeRunnable();
  /// Sends what the transport keeps; false if the socket is full, or broken.
  bool SendKept();
  void Feed(std::span<char> input);
  void KeepTail(std::span<const char> tail);
  void ReserveTail(size_t bytes);
  ssize_t Receive();
  void UpdateInterest();
  void CheckOutputLimit();
  void MarkDirty();
  void TearDown();
  void MaybeDelete();

  uv_poll_t poll_;
  OutputQueue output_;
  const ClientId id_;
  Transport& transport_;
  char* tail_ = nullptr;  // unfinished input, kept between reads
  uint32_t tail_size_ = 0;
  uint32_t tail_capacity_ = 0;
  int fd_;
  uint32_t soft_limit_since_s_ = 0;  // 0: below the soft limit
  uint32_t pins_ = 0;
  uint8_t pauses_ = 0;
  int8_t interest_ = 0;  // events that libuv watches
  ClientClass client_class_ = ClientClass::kNormal;
  bool is_dirty_ : 1 = false;
  bool is_closing_ : 1 = false;
  bool is_torn_down_ : 1 = false;
  bool handle_gone_ : 1 = false;
  bool close_after_flush_ : 1 = false;
  bool wants_write_ : 1 = false;  // the socket was full
  bool is_runnable_ : 1 = false;  // on the run list
  bool is_greeting_ : 1 = false;  // on the list of those whose handshake waits
};

}  // namespace peal::broker
