#pragma once

#include <string>

namespace peal::tests {

/// A certificate with its private key, both PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

struct CertificateOptions {
  std::string common_name = "localhost";
  std::string uri;      ///< an alternative name; empty: none
  int from_days = -1;   ///< from now
  int until_days = 30;  ///< from now; negative: expired
  bool is_authority = false;
  std::string passphrase;  ///< of the key; empty: none
};

/// Makes a P-256 key and a certificate for it, signed by `signer` or, without one, by itself.
Identity MakeIdentity(const CertificateOptions& options, const Identity* signer = nullptr);

/// Identities that tests share, with the files that hold them. Made at the first call, in a
/// directory that goes when the process ends.
struct TlsFiles {
  std::string dir;
  Identity authority;
  std::string ca, server_cert, server_key;
  std::string client_cert, client_key;  ///< common name "default", URI "urn:user:default"

  static const TlsFiles& Shared();
};

}  // namespace peal::tests
