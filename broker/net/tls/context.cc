#include "broker/net/tls/context.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "broker/auth/secret.h"
#include "broker/config/value.h"
#include "broker/log/log.h"
#include "broker/net/tls/openssl.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Result;

constexpr size_t kMaxAuthorities = 10'000;

template <auto kFree>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using DecoderPtr = std::unique_ptr<OSSL_DECODER_CTX, Freed<OSSL_DECODER_CTX_free>>;

Error Fault(std::string_view directive, std::string_view value, std::string_view reason) {
  std::string text(directive);
  if (!value.empty()) text.append(" '").append(value).append("'");
  return Error::Owned(text.append(": ").append(reason));
}

/// So that the reason is the system's, which OpenSSL wraps beyond recognition.
Result<void> CheckReadable(std::string_view directive, const std::string& path, bool is_directory) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Fault(directive, path, std::strerror(errno));
  struct stat status{};
  const bool is_known = fstat(fd, &status) == 0;
  ::close(fd);
  if (is_known && S_ISDIR(status.st_mode) != is_directory) {
    return Fault(directive, path, is_directory ? "not a directory" : "is a directory");
  }
  return {};
}

int64_t UnixSeconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? timegm(&parts) : 0;
}

std::string ShowTime(int64_t seconds) {
  const time_t time = seconds;
  std::tm parts{};
  char text[32];
  gmtime_r(&time, &parts);
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts)};
}

/// Never asks on the terminal, which is what OpenSSL does by itself.
int GivePassphrase(char* buffer, int size, int /*is_writing*/, void* passphrase) {
  const auto& text = *static_cast<const std::string*>(passphrase);
  if (text.empty() || text.size() > static_cast<size_t>(size)) return -1;
  return static_cast<int>(text.copy(buffer, static_cast<size_t>(size)));
}

Result<void> LoadProtocols(SSL_CTX* context, const std::string& text) {
  struct Version {
    std::string_view name;
    uint64_t off;
    int number;
  };
  static constexpr Version kVersions[] = {{"TLSv1", SSL_OP_NO_TLSv1, TLS1_VERSION},
                                          {"TLSv1.1", SSL_OP_NO_TLSv1_1, TLS1_1_VERSION},
                                          {"TLSv1.2", SSL_OP_NO_TLSv1_2, TLS1_2_VERSION},
                                          {"TLSv1.3", SSL_OP_NO_TLSv1_3, TLS1_3_VERSION}};
  const std::vector<std::string> words =
      text.empty() ? std::vector<std::string>{"TLSv1.2", "TLSv1.3"} : SplitBySpace(text);
  int lowest = TLS1_3_VERSION;
  uint64_t off = 0;
  for (const Version& version : kVersions) off |= version.off;
  for (const std::string& word : words) {
    const auto* const found = std::ranges::find_if(
        kVersions, [&](const Version& each) { return EqualsIgnoreCase(each.name, word); });
    if (found == std::end(kVersions)) {
      return Fault("tls-protocols", text,
                   "knows only TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, separated by spaces");
    }
    off &= ~found->off;
    lowest = std::min(lowest, found->number);
  }
  // The system's openssl.cnf may set a higher bound, which an explicit wish overrides.
  SSL_CTX_set_min_proto_version(context, lowest);
  SSL_CTX_set_options(context, off);
  return {};
}

Result<void> LoadCiphers(SSL_CTX* context, const TlsSettings& settings) {
  if (!settings.ciphers.empty() &&
      SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) {
    return Fault("tls-ciphers", settings.ciphers, TakeTlsErrors());
  }
  if (!settings.ciphersuites.empty() &&
      SSL_CTX_set_ciphersuites(context, settings.ciphersuites.c_str()) != 1) {
    return Fault("tls-ciphersuites", settings.ciphersuites, TakeTlsErrors());
  }
  if (settings.dh_params_file.empty()) {
    SSL_CTX_set_dh_auto(context, 1);
    return {};
  }
  PEAL_RETURN_IF_ERROR(CheckReadable("tls-dh-params-file", settings.dh_params_file, false));
  const BioPtr file(BIO_new_file(settings.dh_params_file.c_str(), "r"));
  EVP_PKEY* parameters = nullptr;
  const DecoderPtr decoder(OSSL_DECODER_CTX_new_for_pkey(
      &parameters, "PEM", nullptr, "DH", OSSL_KEYMGMT_SELECT_DOMAIN_PARAMETERS, nullptr, nullptr));
  if (file == nullptr || decoder == nullptr ||
      OSSL_DECODER_from_bio(decoder.get(), file.get()) != 1) {
    return Fault("tls-dh-params-file", settings.dh_params_file, TakeTlsErrors());
  }
  if (SSL_CTX_set0_tmp_dh_pkey(context, parameters) != 1) {
    EVP_PKEY_free(parameters);  // it did not become the context's
    return Fault("tls-dh-params-file", settings.dh_params_file, TakeTlsErrors());
  }
  return {};
}

/// The passphrase of the key; empty if there is none.
Result<Secret> Passphrase(const TlsSettings& settings) {
  constexpr std::string_view kDirective = "tls-key-file-pass-file";
  const std::string& file = settings.key_file_pass_file;
  if (file.empty()) return Secret(settings.key_file_pass);
  if (!settings.key_file_pass.empty()) {
    return Fault(kDirective, file, "cannot be used together with tls-key-file-pass");
  }
  Result<Secret> secret = ReadPasswordFile(file);
  if (!secret.ok()) return Fault(kDirective, file, secret.error().text());
  return secret;
}

Result<void> LoadCertificate(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.cert_file.empty()) return Fault("tls-cert-file", {}, "none is set");
  if (settings.key_file.empty()) return Fault("tls-key-file", {}, "none is set");
  PEAL_RETURN_IF_ERROR(CheckReadable("tls-cert-file", settings.cert_file, false));
  PEAL_RETURN_IF_ERROR(CheckReadable("tls-key-file", settings.key_file, false));
  if (SSL_CTX_use_certificate_chain_file(context, settings.cert_file.c_str()) != 1) {
    return Fault("tls-cert-file", settings.cert_file, "no usable certificate: " + TakeTlsErrors());
  }
  PEAL_ASSIGN_OR_RETURN(const Secret secret, Passphrase(settings));
  std::string passphrase(secret.view());
  SSL_CTX_set_default_passwd_cb(context, GivePassphrase);
  SSL_CTX_set_default_passwd_cb_userdata(context, &passphrase);
  const int loaded =
      SSL_CTX_use_PrivateKey_file(context, settings.key_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
  SSL_CTX_set_default_passwd_cb(context, nullptr);
  OPENSSL_cleanse(passphrase.data(), passphrase.size());
  if (loaded != 1) {
    const unsigned long first = ERR_peek_error();
    const std::string directive =
        settings.key_file_pass_file.empty() ? "tls-key-file-pass" : "tls-key-file-pass-file";
    const std::string reason = TakeTlsErrors();
    if (ERR_GET_LIB(first) == ERR_LIB_X509 && ERR_GET_REASON(first) == X509_R_KEY_VALUES_MISMATCH) {
      return Fault("tls-key-file", settings.key_file,
                   "does not belong to the certificate in '" + settings.cert_file + "'");
    }
    return Fault("tls-key-file", settings.key_file,
                 (secret.empty() ? "no usable key (a passphrase is missing, if it needs one): "
                                 : "no usable key, or " + directive + " is not its passphrase: ") +
                     reason);
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    (void)TakeTlsErrors();
    return Fault("tls-key-file", settings.key_file,
                 "does not belong to the certificate in '" + settings.cert_file + "'");
  }
  return {};
}

/// Returns when the first authority's certificate ends.
Result<int64_t> LoadAuthorities(SSL_CTX* context, const TlsSettings& settings) {
  if (settings.ca_cert_file.empty() && settings.ca_cert_dir.empty()) {
    if (settings.auth_clients == TlsClientAuth::kNo) return int64_t{0};
    return Fault("tls-ca-cert-file", {},
                 "without it, and without tls-ca-cert-dir, no client's certificate can be checked; "
                 "set one of them, or tls-auth-clients no");
  }
  if (!settings.ca_cert_dir.empty()) {
    PEAL_RETURN_IF_ERROR(CheckReadable("tls-ca-cert-dir", settings.ca_cert_dir, true));
    if (SSL_CTX_load_verify_dir(context, settings.ca_cert_dir.c_str()) != 1) {
      return Fault("tls-ca-cert-dir", settings.ca_cert_dir, TakeTlsErrors());
    }
  }
  if (settings.ca_cert_file.empty()) return int64_t{0};
  PEAL_RETURN_IF_ERROR(CheckReadable("tls-ca-cert-file", settings.ca_cert_file, false));
  if (SSL_CTX_load_verify_file(context, settings.ca_cert_file.c_str()) != 1) {
    return Fault("tls-ca-cert-file", settings.ca_cert_file,
                 "no usable certificate: " + TakeTlsErrors());
  }
  // A file in which nothing is valid any more would refuse every client, one after the other.
  const BioPtr file(BIO_new_file(settings.ca_cert_file.c_str(), "r"));
  const int64_t now_s = std::time(nullptr);
  int64_t first_end_s = INT64_MAX;
  int64_t last_end_s = 0;
  for (size_t i = 0; file != nullptr && i < kMaxAuthorities; ++i) {
    const CertificatePtr each(PEM_read_bio_X509_AUX(file.get(), nullptr, nullptr, nullptr));
    if (each == nullptr) break;
    const int64_t end_s = UnixSeconds(X509_get0_notAfter(each.get()));
    first_end_s = std::min(first_end_s, end_s);
    last_end_s = std::max(last_end_s, end_s);
  }
  (void)TakeTlsErrors();  // the end of the file is one
  if (last_end_s < now_s) {
    return Fault("tls-ca-cert-file", settings.ca_cert_file,
                 "expired at " + ShowTime(last_end_s) + ", no client's certificate would be valid");
  }
  if (first_end_s < now_s) {
    LogWarning("tls-ca-cert-file '{}': one of its certificates expired at {}",
               settings.ca_cert_file, ShowTime(first_end_s));
  }
  return first_end_s;
}

void SetSessions(SSL_CTX* context, const TlsSettings& settings) {
  // Without it sessions of clients with certificates could not be resumed.
  static constexpr unsigned char kScope[] = "peal";
  SSL_CTX_set_session_id_context(context, kScope, sizeof kScope - 1);
  if (!settings.session_caching) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_SERVER);
  SSL_CTX_sess_set_cache_size(context, settings.session_cache_size);
  SSL_CTX_set_timeout(context, settings.session_cache_timeout_s);
  // OpenSSL sends two, for browsers that open many connections at once; each costs some 15 us.
  SSL_CTX_set_num_tickets(context, 1);
}

}  // namespace

std::string TakeTlsErrors() {
  // The first one is nearest to the cause; what follows says who passed it on.
  const unsigned long first = ERR_get_error();
  ERR_clear_error();
  if (first == 0) return "unknown reason";
  if (ERR_SYSTEM_ERROR(first)) return std::strerror(ERR_GET_REASON(first));
  const char* reason = ERR_reason_error_string(first);
  if (reason != nullptr) return reason;
  char text[128];
  ERR_error_string_n(first, text, sizeof text);
  return text;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsContext>> TlsContext::Make(const TlsSettings& settings) {
  ContextPtr owned(SSL_CTX_new(TLS_server_method()));
  PEAL_CHECK(owned != nullptr);
  SSL_CTX* const context = owned.get();
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_options(context, SSL_OP_NO_SSLv3 | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_SINGLE_DH_USE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (settings.prefer_server_ciphers) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  }
  // One call to the system brings all records that are there, up to the size of the buffer.
  SSL_CTX_set_read_ahead(context, 1);
  PEAL_RETURN_IF_ERROR(LoadProtocols(context, settings.protocols));
  PEAL_RETURN_IF_ERROR(LoadCertificate(context, settings));
  PEAL_RETURN_IF_ERROR(LoadCiphers(context, settings));
  PEAL_ASSIGN_OR_RETURN(const int64_t authority_end_s, LoadAuthorities(context, settings));
  int mode = SSL_VERIFY_NONE;
  if (settings.auth_clients != TlsClientAuth::kNo) mode = SSL_VERIFY_PEER;
  if (settings.auth_clients == TlsClientAuth::kYes) mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  SSL_CTX_set_verify(context, mode, nullptr);
  SetSessions(context, settings);

  const std::shared_ptr<TlsContext> made(new TlsContext(owned.release()));
  const X509* const certificate = SSL_CTX_get0_certificate(context);
  made->certificate_end_s_ = UnixSeconds(X509_get0_notAfter(certificate));
  made->authority_end_s_ = authority_end_s;
  if (made->certificate_end_s_ < std::time(nullptr)) {
    return Fault("tls-cert-file", settings.cert_file,
                 "expired at " + ShowTime(made->certificate_end_s_));
  }
  BIGNUM* const serial = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr);
  if (serial != nullptr) {
    char* const digits = BN_bn2hex(serial);
    if (digits != nullptr) made->certificate_serial_ = digits;
    OPENSSL_free(digits);
    BN_free(serial);
  }
  (void)TakeTlsErrors();
  return std::shared_ptr<const TlsContext>(made);
}

}  // namespace peal::broker
