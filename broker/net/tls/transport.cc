#include "broker/net/tls/transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "broker/log/log.h"
#include "broker/metrics/clock.h"
#include "broker/net/address.h"
#include "broker/net/tls/openssl.h"
#include "protocol/base/check.h"

namespace peal::broker {
namespace {

// What a record takes beyond its bytes, and a message about keys in front of it.
constexpr size_t kRecordOverhead = 1024;
// How often the other side may ask for new keys or a new handshake in one minute. An honest one
// changes its keys once in some 2^24 records; each time costs us some 20 us.
constexpr int kWishesAtOnce = 64;
constexpr int64_t kWishesWindowUs = 60'000'000;
// Memory of OpenSSL's for an established connection at rest, as measured (DESIGN.md).
constexpr size_t kSessionBytes = 15 * 1024;

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

/// The text of `name`; empty if it is none or holds a NUL, behind which a careless reader stops.
std::string TextOf(const ASN1_STRING* name) {
  unsigned char* utf8 = nullptr;
  const int length = ASN1_STRING_to_UTF8(&utf8, name);
  if (length < 0) return {};
  std::string text(reinterpret_cast<const char*>(utf8), static_cast<size_t>(length));
  OPENSSL_free(utf8);
  return text.find('\0') == std::string::npos ? text : std::string();
}

/// The certificate that the client has proved to own and that was found valid, or null.
X509* ValidCertificate(const SSL* ssl) {
  if (ssl == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return nullptr;
  return SSL_get0_peer_certificate(ssl);
}

}  // namespace

TlsTransport::TlsTransport(std::shared_ptr<const TlsContext> context, TlsShared& shared)
    : context_(std::move(context)), shared_(shared) {
  is_ready_ = false;
  ++shared_.active;
}

TlsTransport::~TlsTransport() { SSL_free(ssl_); }

// ---------------------------------------------------------------- OpenSSL's side of the socket

const bio_method_st* TlsTransport::Method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "peal socket");
    PEAL_CHECK(made != nullptr);
    BIO_meth_set_read(made, OnBioRead);
    BIO_meth_set_write(made, OnBioWrite);
    BIO_meth_set_ctrl(made, OnBioControl);
    return made;
  }();
  return method;
}

int TlsTransport::OnBioRead(bio_st* bio, char* to, int bytes) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  while (!self.is_drained_ && self.error_ == 0) {
    const ssize_t n = ::recv(self.fd_, to, static_cast<size_t>(bytes), 0);
    if (n > 0) {
      self.is_drained_ = n < bytes;  // saves the call that would say so
      return static_cast<int>(n);
    }
    if (n == 0) {
      self.is_end_ = true;
      return 0;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;
    self.error_ = errno;
    return -1;
  }
  if (self.error_ == 0) BIO_set_retry_read(bio);
  return -1;
}

int TlsTransport::OnBioWrite(bio_st* bio, const char* from, int bytes) {
  auto& self = *static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (bytes <= 0) return 0;
  self.Emit(from, static_cast<size_t>(bytes));
  // Taken in any case: what the socket does not take is kept.
  return bytes;
}

long TlsTransport::OnBioControl(bio_st* bio, int command, long /*number*/, void* /*pointer*/) {
  const auto& self = *static_cast<const TlsTransport*>(BIO_get_data(bio));
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return self.is_end_ ? 1 : 0;
    default:
      return 0;
  }
}

void TlsTransport::OnMessage(int is_sent, int /*version*/, int type, const void* /*message*/,
                             size_t /*bytes*/, ssl_st* /*ssl*/, void* transport) {
  auto& self = *static_cast<TlsTransport*>(transport);
  // The other side changes its keys, or asks us to.
  if (is_sent == 0 && type == SSL3_RT_HANDSHAKE && self.is_ready_) self.CountWish();
}

void TlsTransport::CountWish() {
  const int64_t now_us = MonotonicUs();
  if (now_us - wishes_since_us_ > kWishesWindowUs) {
    wishes_since_us_ = now_us;
    wishes_ = 0;
  }
  ++wishes_;
}

void TlsTransport::Emit(const char* from, size_t bytes) {
  if (!backlog_.empty()) {
    backlog_.insert(backlog_.end(), from, from + bytes);
    return;
  }
  if (is_writing_) {
    if (is_last_ && shared_.cipher_bytes == 0) {
      const size_t sent = Send(from, bytes);
      if (sent < bytes) backlog_.assign(from + sent, from + bytes);
      return;
    }
  } else if (is_ready_) {
    CountWish();  // nobody was asked to send: this refuses a new handshake
  }
  if (shared_.cipher_bytes + bytes > TlsShared::kCipherBytes) SendGathered();
  if (!backlog_.empty() || bytes > TlsShared::kCipherBytes) {
    backlog_.insert(backlog_.end(), from, from + bytes);
    return;
  }
  std::memcpy(shared_.cipher.data() + shared_.cipher_bytes, from, bytes);
  shared_.cipher_bytes += bytes;
}

size_t TlsTransport::Send(const char* from, size_t bytes) {
  size_t sent = 0;
  while (sent < bytes && error_ == 0) {
    const ssize_t n = ::send(fd_, from + sent, bytes - sent, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      break;
    } else if (errno != EINTR) {
      error_ = errno;
    }
  }
  return sent;
}

void TlsTransport::SendGathered() {
  const size_t bytes = std::exchange(shared_.cipher_bytes, 0);
  if (bytes == 0) return;
  const char* const from = shared_.cipher.data();
  const size_t sent = Send(from, bytes);
  if (sent < bytes) backlog_.assign(from + sent, from + bytes);
}

bool TlsTransport::SendBacklog() {
  const size_t left = backlog_.size() - backlog_sent_;
  const size_t sent = Send(backlog_.data() + backlog_sent_, left);
  if (sent < left) {
    backlog_sent_ += sent;
    return false;
  }
  backlog_ = {};
  backlog_sent_ = 0;
  has_output_ = false;
  return true;
}

// ---------------------------------------------------------------- the connection's side

void TlsTransport::Begin() {
  ssl_ = SSL_new(context_->get());
  BIO* const bio = BIO_new(Method());
  if (ssl_ == nullptr || bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
  SSL_set_msg_callback(ssl_, OnMessage);
  SSL_set_msg_callback_arg(ssl_, this);
}

ssize_t TlsTransport::Handshake(int fd) {
  fd_ = fd;
  if (error_ != 0) return -error_;
  if (ssl_ == nullptr) {
    // Who connects and leaves, as probes of load balancers do, costs no more than this.
    char first;
    const ssize_t n = ::recv(fd, &first, 1, MSG_PEEK);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return -EAGAIN;
    if (n <= 0) return n == 0 ? -ECONNRESET : -errno;
    Begin();
  }
  is_drained_ = false;
  PEAL_DCHECK(ERR_peek_error() == 0);
  const int result = SSL_do_handshake(ssl_);
  SendGathered();
  has_output_ = !backlog_.empty();
  if (result == 1) {
    is_ready_ = true;
    has_input_ = SSL_has_pending(ssl_) == 1;
    ++shared_.counters.handshakes;
    if (SSL_session_reused(ssl_) == 1) ++shared_.counters.resumed;
    return error_ == 0 ? 1 : -error_;
  }
  const ssize_t status = Fail(result, "handshake");
  if (status == -EAGAIN) return status;
  ++shared_.counters.failures;
  return status == 0 ? -ECONNRESET : status;
}

ssize_t TlsTransport::Fail(int result, const char* what) {
  const int kind = SSL_get_error(ssl_, result);
  if (kind == SSL_ERROR_WANT_READ && error_ == 0) {
    ERR_clear_error();
    return -EAGAIN;
  }
  if (kind == SSL_ERROR_ZERO_RETURN && is_ready_) {
    ERR_clear_error();
    is_end_ = true;
    return 0;
  }
  static RateLimitedLog limited(LogLevel::kNotice, 10);
  if (error_ != 0) {
    // The socket's own trouble, which plain connections do not log either.
    ERR_clear_error();
    if (!is_ready_) {
      limited.Write("TLS {} with {} failed: {}", what, ShowPeer(fd_), std::strerror(error_));
    }
    return -error_;
  }
  error_ = EPROTO;
  const long verdict = SSL_get_verify_result(ssl_);
  const unsigned long first = ERR_peek_error();
  std::string reason = first == 0 && is_end_ ? "the other side closed" : TakeTlsErrors();
  if (verdict != X509_V_OK && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    reason.append(" (").append(X509_verify_cert_error_string(verdict)).append(")");
  }
  ERR_clear_error();
  limited.Write("TLS {} with {} failed: {}", what, ShowPeer(fd_), reason);
  return -error_;
}

ssize_t TlsTransport::ReadSome(const iovec* ranges, int count) {
  size_t total = 0;
  for (int i = 0; i < count; ++i) {
    auto* const to = static_cast<char*>(ranges[i].iov_base);
    for (size_t filled = 0; filled < ranges[i].iov_len;) {
      size_t n = 0;
      const int result = SSL_read_ex(ssl_, to + filled, ranges[i].iov_len - filled, &n);
      if (result == 1) {
        filled += n;
        total += n;
        if (wishes_ > kWishesAtOnce) break;
        // Nothing here and nothing in the socket: asking would only bring "later".
        if (is_drained_ && SSL_has_pending(ssl_) == 0) return static_cast<ssize_t>(total);
        continue;
      }
      const ssize_t status = Fail(result, "connection");
      if (total == 0) return status;
      // The end and errors come again with the next call.
      has_input_ = status != -EAGAIN;
      return static_cast<ssize_t>(total);
    }
    if (wishes_ > kWishesAtOnce) break;
  }
  has_input_ = SSL_has_pending(ssl_) == 1;
  return static_cast<ssize_t>(total);
}

ssize_t TlsTransport::Read(int fd, const iovec* ranges, int count) {
  fd_ = fd;
  has_input_ = false;
  if (error_ != 0) return -error_;
  if (is_end_) return 0;
  is_drained_ = false;
  PEAL_DCHECK(ERR_peek_error() == 0);
  const ssize_t total = ReadSome(ranges, count);
  SendGathered();
  has_output_ = !backlog_.empty();
  if (wishes_ > kWishesAtOnce && error_ == 0) {
    static RateLimitedLog limited(LogLevel::kNotice, 10);
    limited.Write("closing TLS connection from {}: it asked for new keys or handshakes {} times",
                  ShowPeer(fd_), wishes_);
    ++shared_.counters.floods;
    error_ = EPROTO;
    return -error_;
  }
  return total;
}

ssize_t TlsTransport::Write(int fd, const iovec* ranges, int count) {
  fd_ = fd;
  if (error_ != 0) return -error_;
  if (!backlog_.empty() && !SendBacklog()) return error_ != 0 ? -error_ : -EAGAIN;
  // Only what was kept was to go. What of it is the caller's is told when the caller offers it.
  if (count == 0) return 0;
  // Encrypted at an earlier call, and gone by now.
  size_t done = std::exchange(ahead_, 0);
  size_t offset = done;
  int at = 0;
  while (at < count && offset >= ranges[at].iov_len) offset -= ranges[at++].iov_len;
  size_t gathered = 0;  // bytes whose records wait in shared_.cipher
  is_writing_ = true;
  PEAL_DCHECK(ERR_peek_error() == 0);
  while (at < count) {
    const char* piece = static_cast<const char*>(ranges[at].iov_base) + offset;
    size_t bytes = std::min(ranges[at].iov_len - offset, TlsShared::kRecordBytes);
    if (at + 1 < count && bytes < TlsShared::kRecordBytes) {
      bytes = 0;
      while (at < count && bytes < TlsShared::kRecordBytes) {
        const size_t n = std::min(ranges[at].iov_len - offset, TlsShared::kRecordBytes - bytes);
        std::memcpy(shared_.plain.data() + bytes,
                    static_cast<const char*>(ranges[at].iov_base) + offset, n);
        bytes += n;
        offset += n;
        if (offset == ranges[at].iov_len) {
          ++at;
          offset = 0;
        }
      }
      piece = shared_.plain.data();
    } else {
      offset += bytes;
      if (offset == ranges[at].iov_len) {
        ++at;
        offset = 0;
      }
    }
    is_last_ = at == count;
    size_t written = 0;
    const int result = SSL_write_ex(ssl_, piece, bytes, &written);
    if (result != 1) {
      shared_.cipher_bytes = 0;
      if (Fail(result, "connection") == -EAGAIN || error_ == 0) error_ = EPROTO;
      break;
    }
    PEAL_CHECK(written == bytes);
    gathered += bytes;
    if (is_last_ || TlsShared::kCipherBytes - shared_.cipher_bytes <
                        TlsShared::kRecordBytes + kRecordOverhead) {
      SendGathered();
    }
    if (error_ != 0) break;
    if (!backlog_.empty()) {
      ahead_ = gathered;
      has_output_ = true;
      break;
    }
    if (shared_.cipher_bytes == 0) done += std::exchange(gathered, 0);
  }
  is_writing_ = is_last_ = false;
  if (error_ != 0) return -error_;
  return done == 0 && has_output_ ? -EAGAIN : static_cast<ssize_t>(done);
}

void TlsTransport::Close(int fd) {
  fd_ = fd;
  // Amid a record nothing else may be sent.
  if (ssl_ != nullptr && is_ready_ && error_ == 0 && backlog_.empty()) {
    is_writing_ = is_last_ = true;
    (void)SSL_shutdown(ssl_);  // whether the other side hears it makes no difference any more
    is_writing_ = is_last_ = false;
    shared_.cipher_bytes = 0;
    ERR_clear_error();
  }
  // In the turn that ends the connection: its object lives a little longer.
  --shared_.active;
  SSL_free(std::exchange(ssl_, nullptr));
  backlog_ = {};
  is_ready_ = has_input_ = has_output_ = false;
  error_ = EPIPE;
}

// ---------------------------------------------------------------- facts

size_t TlsTransport::MemoryBytes() const {
  return sizeof *this + (ssl_ == nullptr ? 0 : kSessionBytes) + backlog_.capacity();
}

std::string TlsTransport::PeerSubject() const {
  const X509* const certificate = ValidCertificate(ssl_);
  if (certificate == nullptr) return {};
  const std::unique_ptr<BIO, Freed<BIO_free_all>> text(BIO_new(BIO_s_mem()));
  if (text == nullptr ||
      X509_NAME_print_ex(text.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) < 0) {
    return {};
  }
  char* bytes = nullptr;
  const long length = BIO_get_mem_data(text.get(), &bytes);
  return {bytes, static_cast<size_t>(length)};
}

std::string TlsTransport::PeerCommonName() const {
  const X509* const certificate = ValidCertificate(ssl_);
  if (certificate == nullptr) return {};
  const X509_NAME* const subject = X509_get_subject_name(certificate);
  const int index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  // Which of two would be meant is anybody's guess.
  if (index < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, index) >= 0) return {};
  return TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index)));
}

std::string TlsTransport::PeerUri() const {
  const X509* const certificate = ValidCertificate(ssl_);
  if (certificate == nullptr) return {};
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string uri;
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()) && uri.empty(); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) uri = TextOf(name->d.uniformResourceIdentifier);
  }
  return uri;
}

}  // namespace peal::broker
