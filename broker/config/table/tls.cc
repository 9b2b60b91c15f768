#include "broker/config/table/rows.h"

namespace peal::broker::table {
namespace {

constexpr std::string_view kClientAuth[] = {"no", "yes", "optional"};
constexpr std::string_view kUserFields[] = {"off", "CN", "URI"};

template <auto kField>
void Tls(Config& config, std::string_view text) {
  using Field = std::remove_reference_t<decltype(config.tls.*kField)>;
  if constexpr (std::is_same_v<Field, std::string>) {
    config.tls.*kField = text;
  } else if constexpr (std::is_same_v<Field, bool>) {
    config.tls.*kField = text == "yes";
  } else if constexpr (std::is_same_v<Field, TlsClientAuth>) {
    config.tls.*kField = static_cast<TlsClientAuth>(
        std::find(std::begin(kClientAuth), std::end(kClientAuth), text) - std::begin(kClientAuth));
  } else {
    config.tls.*kField = static_cast<Field>(protocol::ParseInt64(text).value_or(0));
  }
}

/// A row whose change makes the certificates and rules anew.
template <auto kField>
constexpr Directive Made(Directive row) {
  return Active(row, Tls<kField>, OnChange::kTls);
}

constexpr Directive Path(std::string_view name, std::string_view summary) {
  return Row(DirectiveType::kPath, name, "", summary);
}

constexpr Directive Secret(std::string_view name, std::string_view summary) {
  return With(Row(DirectiveType::kSecretText, name, "", summary), kSensitive);
}

constexpr Directive kTlsRows[] = {
    Active(Integer("tls-port", "0", 0, 65535, "Port for TLS connections; 0 opens none."),
           Number<&Config::tls_port>, OnChange::kListeners),
    Made<&TlsSettings::cert_file>(Path(
        "tls-cert-file", "The server's certificate and those between it and the authority, PEM.")),
    Made<&TlsSettings::key_file>(Path("tls-key-file", "Its private key, PEM.")),
    Made<&TlsSettings::key_file_pass>(
        Secret("tls-key-file-pass", "Passphrase of that key, if it has one.")),
    With(Made<&TlsSettings::key_file_pass_file>(
             Path("tls-key-file-pass-file",
                  "File whose first line is that passphrase; read whenever the key is. Others must "
                  "not be able to read it.")),
         kPealOnly),
    Made<&TlsSettings::ca_cert_file>(
        Path("tls-ca-cert-file", "Certificates of the authorities that sign clients, PEM.")),
    Made<&TlsSettings::ca_cert_dir>(
        Path("tls-ca-cert-dir",
             "Directory of such certificates, named by their hashes as `openssl rehash` does.")),
    Made<&TlsSettings::auth_clients>(
        OneOf("tls-auth-clients", "yes", kClientAuth,
              "Whether clients must show a certificate, may, or are not asked for one.")),
    Active(OneOf("tls-auth-clients-user", "off", kUserFields,
                 "What in a client's certificate names the user that it authenticates: the common "
                 "name, the first URI of its alternative names, or nothing."),
           Choice<&Config::tls_auth_clients_user, kUserFields>),
    Made<&TlsSettings::protocols>(
        Text("tls-protocols", "",
             "Versions to speak, of TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3, separated by spaces; "
             "empty is TLSv1.2 and TLSv1.3.")),
    Made<&TlsSettings::ciphers>(Text(
        "tls-ciphers", "", "Ciphers up to TLS 1.2 in OpenSSL's notation; empty is OpenSSL's.")),
    Made<&TlsSettings::ciphersuites>(Text("tls-ciphersuites", "", "Ciphers of TLS 1.3, likewise.")),
    Made<&TlsSettings::prefer_server_ciphers>(
        Bool("tls-prefer-server-ciphers", "no", "The server's order of ciphers wins.")),
    Made<&TlsSettings::dh_params_file>(
        Path("tls-dh-params-file",
             "Diffie-Hellman parameters, PEM, for old clients; empty is OpenSSL's own choice.")),
    Made<&TlsSettings::session_caching>(Bool(
        "tls-session-caching", "yes",
        "Let clients resume sessions, by tickets that hold on every reactor or from a cache.")),
    Made<&TlsSettings::session_cache_size>(
        Integer("tls-session-cache-size", "20480", 0, kIntMax,
                "Sessions kept for clients without tickets; 0 is any number.")),
    Made<&TlsSettings::session_cache_timeout_s>(
        Integer("tls-session-cache-timeout", "300", 0, kIntMax,
                "Seconds for which a session can be resumed.")),
    With(Active(Integer("tls-handshake-timeout", "10", 0, kIntMax,
                        "Seconds after which a connection whose handshake is not done is closed; "
                        "0 never."),
                Number<&Config::tls_handshake_timeout_s>),
         kPealOnly),
    Active(Integer("tls-auto-reload-interval", "1", 0, kIntMax,
                   "Seconds between two looks whether the files have changed, which are then "
                   "read afresh; 0 never looks. SIGHUP reads them in any case."),
           Number<&Config::tls_auto_reload_interval_s>, OnChange::kTls),
    Path("tls-client-cert-file", "Certificate for outgoing connections."),
    Path("tls-client-key-file", "Key for outgoing connections."),
    Secret("tls-client-key-file-pass", "Passphrase of that key."),
    With(Bool("tls-replication", "no", "TLS to the primary."), kNoEffectAlarm),
    With(Bool("tls-cluster", "no", "TLS on the cluster bus."), kNoEffectAlarm),
};

}  // namespace

std::span<const Directive> TlsRows() { return kTlsRows; }

}  // namespace peal::broker::table
