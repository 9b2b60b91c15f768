#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "broker/net/tls/context.h"
#include "broker/net/transport.h"

struct bio_method_st;
struct bio_st;
struct ssl_st;

namespace peal::broker {

/// What the TLS connections of one reactor share: buffers that hold something only within one call,
/// and counters.
struct TlsShared {
  /// Small pieces are copied together here, up to what fits into one record.
  static constexpr size_t kRecordBytes = 16 * 1024;
  /// Records of one call wait here for one call to the system.
  static constexpr size_t kCipherBytes = 64 * 1024;

  std::array<char, kRecordBytes> plain;
  std::array<char, kCipherBytes> cipher;
  size_t cipher_bytes = 0;

  struct Counters {
    uint64_t handshakes = 0;  // that succeeded, resumed ones included
    uint64_t resumed = 0;
    uint64_t failures = 0;
    uint64_t timeouts = 0;  // not done within tls-handshake-timeout
    uint64_t floods = 0;    // cut for asking again and again for new keys
  };
  Counters counters;
  uint64_t active = 0;  // connections, shaken hands or not
};

/// TLS over a non-blocking socket, server side; one object for each connection.
///
/// OpenSSL reads straight from the socket into its own buffer (read ahead, so one call brings all
/// records that are there) and decrypts to where the caller wants the bytes. Going out, pieces are
/// gathered up to 16 KiB for one record; a single record leaves from where OpenSSL made it, several
/// leave together.
///
/// What the socket does not take stays here encrypted, while the bytes it stands for stay with the
/// caller, who is told that they were sent only when they were: limits on output see them.
class TlsTransport final : public Transport {
 public:
  TlsTransport(std::shared_ptr<const TlsContext> context, TlsShared& shared);
  TlsTransport(const TlsTransport&) = delete;
  TlsTransport& operator=(const TlsTransport&) = delete;

  ssize_t Read(int fd, const iovec* ranges, int count) override;
  ssize_t Write(int fd, const iovec* ranges, int count) override;
  ssize_t Handshake(int fd) override;
  void Close(int fd) override;
  void Release() override { delete this; }
  size_t MemoryBytes() const override;
  std::string PeerSubject() const override;

  /// The common name in the subject of the client's certificate; empty if it has none, several, or
  /// one with a NUL in it.
  std::string PeerCommonName() const;
  /// The first URI among the alternative names of the client's certificate.
  std::string PeerUri() const;

 private:
  ~TlsTransport();

  static const bio_method_st* Method();
  static int OnBioRead(bio_st* bio, char* to, int bytes);
  static int OnBioWrite(bio_st* bio, const char* from, int bytes);
  static long OnBioControl(bio_st* bio, int command, long number, void* pointer);
  static void OnMessage(int is_sent, int version, int type, const void* message, size_t bytes,
                        ssl_st* ssl, void* transport);

  ssize_t ReadSome(const iovec* ranges, int count);
  void Begin();
  void CountWish();
  void Emit(const char* from, size_t bytes);
  size_t Send(const char* from, size_t bytes);
  void SendGathered();
  bool SendBacklog();
  ssize_t Fail(int result, const char* what);

  const std::shared_ptr<const TlsContext> context_;
  TlsShared& shared_;
  ssl_st* ssl_ = nullptr;      // from the first byte that comes
  std::vector<char> backlog_;  // encrypted, what the socket did not take
  size_t backlog_sent_ = 0;
  size_t ahead_ = 0;  // bytes of the caller's that the backlog stands for
  int64_t wishes_since_us_ = 0;
  int fd_ = -1;
  int error_ = 0;            // errno of the socket, or EPROTO; nothing works after it
  uint16_t wishes_ = 0;      // for new keys or handshakes, in this minute
  bool is_writing_ = false;  // inside Write: what comes out is records of bytes
  bool is_last_ = false;     // nothing comes behind the record being made
  bool is_drained_ = false;  // the socket had less than was asked for
  bool is_end_ = false;      // the other side has ended
};

}  // namespace peal::broker
