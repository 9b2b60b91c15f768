#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "broker/config/config.h"
#include "protocol/base/result.h"

struct ssl_ctx_st;

namespace peal::broker {

/// Certificates, keys and rules for connections that come in: what OpenSSL calls a context.
///
/// Never changes; a reload makes another one, and connections keep the one they began with. All
/// reactors share one, and with it the keys of session tickets, so that a session begun on one goes
/// on at another. [any thread]
class TlsContext {
 public:
  /// Reads all files and checks that they fit together. Takes milliseconds. The error is a line for
  /// the operator that begins with the name of the directive at fault.
  static protocol::Result<std::shared_ptr<const TlsContext>> Make(const TlsSettings& settings);

  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;
  ~TlsContext();

  ssl_ctx_st* get() const { return context_; }
  /// When the server's certificate ends, in seconds of Unix time.
  int64_t certificate_end_s() const { return certificate_end_s_; }
  /// When the first of the authorities' certificates in tls-ca-cert-file ends; 0 without the file.
  int64_t authority_end_s() const { return authority_end_s_; }
  /// Serial number of the server's certificate, in hexadecimal digits.
  const std::string& certificate_serial() const { return certificate_serial_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  ssl_ctx_st* const context_;
  int64_t certificate_end_s_ = 0;
  int64_t authority_end_s_ = 0;
  std::string certificate_serial_;
};

/// Takes what OpenSSL noted about the last failure on this thread, as text, and empties its list.
std::string TakeTlsErrors();

}  // namespace peal::broker
