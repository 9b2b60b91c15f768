// TLS: certificates of both sides, what is refused, reloading, and input that is no TLS at all.
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

#include "tests/support/behaviour.h"
#include "tests/support/certificates.h"

namespace peal::tests {
namespace {

using ::testing::HasSubstr;

class Tls : public OwnServer {
 protected:
  void SetUp() override {
    if (IsReferenceUnderTest()) GTEST_SKIP() << "Peal's own";
    dir_ = MakeTemporaryDirectory();
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  static const TlsFiles& Files() { return TlsFiles::Shared(); }
  static ServerOptions WithTls(std::vector<std::string> args = {}) {
    ServerOptions options;
    options.reactors = 2;
    options.tls = true;
    options.args = std::move(args);
    return options;
  }
  static TlsOptions WithCertificate() {
    return {.ca = Files().ca, .cert = Files().client_cert, .key = Files().client_key};
  }
  std::string Write(const std::string& name, const std::string& text) const {
    WriteFile(dir_ + "/" + name, text);
    return dir_ + "/" + name;
  }
  /// Files of an identity, for a client.
  TlsOptions OptionsOf(const std::string& name, const Identity& identity) const {
    return {.ca = Files().ca,
            .cert = Write(name + ".crt", identity.certificate),
            .key = Write(name + ".key", identity.key)};
  }
  /// Whether a client with `options` is served. With TLS 1.3 it learns of a refusal only after its
  /// own part of the handshake.
  static bool IsServed(const Server& server, const TlsOptions& options) {
    try {
      return Client::Tls(server.tls_port(), options).Do("PING") == "PONG";
    } catch (const std::exception&) {
      return false;
    }
  }
  static int64_t Number(Client& client, const std::string& field) {
    return std::atoll(InfoField(client.Call({"INFO", "everything"}).text, field).c_str());
  }
  static bool Reaches(Client& client, const std::string& field, int64_t value) {
    const Deadline deadline;
    while (Number(client, field) < value) {
      if (deadline.HasPassed()) return false;
      std::this_thread::sleep_for(Milliseconds{2});
    }
    return true;
  }
  /// What the server's certificate says to a new client, and what it says in INFO.
  static std::string SerialOf(const Client& client) {
    const X509* const certificate = SSL_get0_peer_certificate(client.ssl());
    int64_t serial = 0;
    ASN1_INTEGER_get_int64(&serial, X509_get0_serialNumber(certificate));
    return std::to_string(serial);
  }

  std::string dir_;
};

TEST_F(Tls, BothPortsServeTheSameKeys) {
  Server server(WithTls());
  Client plain = Client::Tcp(server.port());
  Client secret = server.Connect();
  ASSERT_EQ(secret.Do("SET k v"), "OK");
  EXPECT_EQ(plain.Do("GET k"), "'v'");
  EXPECT_STREQ(SSL_get_version(secret.ssl()), "TLSv1.3");
  Client old = Client::Tls(server.tls_port(), {.ca = Files().ca, .is_tls12 = true});
  EXPECT_EQ(old.Do("GET k"), "'v'");
  EXPECT_STREQ(SSL_get_version(old.ssl()), "TLSv1.2");
  const std::string info = plain.Call({"INFO", "everything"}).text;
  EXPECT_EQ(InfoField(info, "tls_connections"), "2");
  EXPECT_THAT(info, HasSubstr("listener1:name=tls,bind=*,bind=-::*,port=" +
                              std::to_string(server.tls_port())));
  secret.Close();
  old.Close();
  const Deadline deadline;
  while (Number(plain, "tls_connections") != 0) ASSERT_FALSE(deadline.HasPassed());
}

TEST_F(Tls, PublishesAcrossPortsInOrder) {
  Server server(WithTls());
  Client subscriber = server.Connect();
  subscriber.SendLine("SUBSCRIBE news");
  ASSERT_EQ(subscriber.Read().At(0), "subscribe");
  Client publisher = Client::Tcp(server.port());
  constexpr int kMessages = 3000;
  std::string pipeline;
  for (int i = 0; i < kMessages; ++i) {
    pipeline += EncodeCommand({"PUBLISH", "news", std::string(i % 977, 'x') + std::to_string(i)});
  }
  publisher.Send(pipeline);
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(subscriber.Read().At(2), std::string(i % 977, 'x') + std::to_string(i));
  }
}

TEST_F(Tls, CarriesAnyAmountInPiecesOfAnySize) {
  Server server(WithTls());
  std::mt19937_64 random(Seed());
  Client client = server.Connect();
  std::string large(7'654'321, 'x');
  for (char& c : large) c = static_cast<char>(random());
  ASSERT_EQ(client.Call({"SET", "large", large}).Show(), "OK");
  // Not read before everything was asked for: the server has to keep what the socket does not take.
  std::string asking;
  for (int i = 0; i < 8; ++i) asking += EncodeCommand({"GET", "large"});
  client.Send(asking + EncodeCommand({"PING"}));
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(client.Read().text == large) << i;
  EXPECT_EQ(client.Read().Show(), "PONG");
  // One octet in each record.
  for (const char c : EncodeCommand({"SET", "small", "v"})) client.Send({&c, 1});
  EXPECT_EQ(client.Read().Show(), "OK");
  // Records that end anywhere.
  std::string many;
  for (int i = 0; i < 500; ++i) {
    many += EncodeCommand({"SET", "k" + std::to_string(i), std::string(random() % 3000, 'v')});
  }
  for (size_t at = 0; at < many.size();) {
    const size_t n = std::min<size_t>(1 + random() % 20'000, many.size() - at);
    client.Send(std::string_view(many).substr(at, n));
    at += n;
  }
  for (int i = 0; i < 500; ++i) ASSERT_EQ(client.Read().Show(), "OK");
  // Replies of many sizes, shared and copied ones.
  for (int i = 0; i < 300; ++i)
    client.SendLine(i % 7 == 0 ? "GET large" : "GET k" + std::to_string(i));
  for (int i = 0; i < 300; ++i) {
    const Reply reply = client.Read();
    if (i % 7 == 0) {
      ASSERT_TRUE(reply.text == large);
    }
  }
}

TEST_F(Tls, AsksClientsForCertificatesAsToldTo) {
  Server server(WithTls({"--tls-auth-clients", "yes"}));
  Client plain = Client::Tcp(server.port());
  const Identity expired =
      MakeIdentity({.common_name = "late", .from_days = -9, .until_days = -1}, &Files().authority);
  const Identity stranger = MakeIdentity({.common_name = "stranger"});
  const TlsOptions none{.ca = Files().ca};
  EXPECT_TRUE(IsServed(server, WithCertificate()));
  EXPECT_FALSE(IsServed(server, none));
  EXPECT_TRUE(server.WaitForLog("peer did not return a certificate"));
  EXPECT_FALSE(IsServed(server, OptionsOf("expired", expired)));
  EXPECT_TRUE(server.WaitForLog("certificate verify failed (certificate has expired)"));
  EXPECT_FALSE(IsServed(server, OptionsOf("stranger", stranger)));
  EXPECT_TRUE(server.WaitForLog("127.0.0.1:"));
  EXPECT_TRUE(Reaches(plain, "tls_handshake_failures", 3));

  ASSERT_EQ(plain.Do("CONFIG SET tls-auth-clients optional"), "OK");
  EXPECT_TRUE(IsServed(server, none));
  EXPECT_TRUE(IsServed(server, WithCertificate()));
  EXPECT_FALSE(IsServed(server, OptionsOf("expired", expired)));

  ASSERT_EQ(plain.Do("CONFIG SET tls-auth-clients no"), "OK");
  EXPECT_TRUE(IsServed(server, none));
  EXPECT_TRUE(IsServed(server, OptionsOf("expired", expired))) << "it is not asked for";
}

TEST_F(Tls, CertificateNamesTheUser) {
  Server server(WithTls({"--requirepass", "secret", "--tls-auth-clients-user", "CN"}));
  Client plain = Client::Tcp(server.port());
  ASSERT_EQ(plain.Do("AUTH secret"), "OK");
  EXPECT_TRUE(IsServed(server, WithCertificate()));
  const auto is_refused = [&](const TlsOptions& options) {
    return Client::Tls(server.tls_port(), options).Do("PING").starts_with("-NOAUTH");
  };
  EXPECT_TRUE(is_refused({.ca = Files().ca}));
  const Identity nobody =
      MakeIdentity({.common_name = "nobody", .uri = "default"}, &Files().authority);
  EXPECT_TRUE(is_refused(OptionsOf("nobody", nobody)));
  EXPECT_EQ(Number(plain, "acl_access_denied_tls_cert"), 1);
  EXPECT_TRUE(server.WaitForLog("is for no user here: CN=nobody"));
  // A NUL in the name must not end it early.
  using std::string_literals::operator""s;
  const Identity tricky = MakeIdentity({.common_name = "default\0evil"s}, &Files().authority);
  EXPECT_TRUE(is_refused(OptionsOf("tricky", tricky)));
  ASSERT_EQ(plain.Do("CONFIG SET tls-auth-clients-user uri"), "OK");
  EXPECT_EQ(plain.Do("CONFIG GET tls-auth-clients-user"), "['tls-auth-clients-user', 'URI']");
  EXPECT_TRUE(IsServed(server, OptionsOf("nobody", nobody)));
  EXPECT_TRUE(is_refused(WithCertificate())) << "its URI is another";
  ASSERT_EQ(plain.Do("CONFIG SET tls-auth-clients-user off"), "OK");
  EXPECT_TRUE(is_refused(OptionsOf("nobody", nobody)));
}

struct BadFiles {
  std::vector<std::string> directives;
  std::string reason;
};

class TlsBadFiles : public Tls {
 protected:
  /// What must be refused, at the start and at run time.
  std::vector<BadFiles> All() const {
    const Identity other = MakeIdentity({.common_name = "other"});
    const Identity locked = MakeIdentity({.common_name = "locked", .passphrase = "open sesame"});
    const Identity expired = MakeIdentity({.from_days = -9, .until_days = -1});
    const Identity old_authority =
        MakeIdentity({.from_days = -9, .until_days = -1, .is_authority = true});
    const std::string garbage = Write("garbage.pem", "no certificate\n");
    const std::string locked_cert = Write("locked.crt", locked.certificate);
    const std::string locked_key = Write("locked.key", locked.key);
    const std::string cut = Write("cut.crt", other.certificate.substr(0, 300));
    return {
        {{"tls-cert-file", dir_ + "/missing.crt"},
         "tls-cert-file '" + dir_ + "/missing.crt': No such file or directory"},
        {{"tls-cert-file", dir_}, "is a directory"},
        {{"tls-cert-file", garbage}, "no usable certificate: no start line"},
        {{"tls-cert-file", cut}, "no usable certificate: "},
        {{"tls-cert-file", ""}, "tls-cert-file: none is set"},
        {{"tls-key-file", dir_ + "/missing.key"}, "missing.key': No such file or directory"},
        {{"tls-key-file", garbage}, "no usable key"},
        {{"tls-key-file", Write("other.key", other.key)}, "does not belong to the certificate in"},
        {{"tls-cert-file", locked_cert, "tls-key-file", locked_key},
         "no usable key (a passphrase is missing, if it needs one)"},
        {{"tls-cert-file", locked_cert, "tls-key-file", locked_key, "tls-key-file-pass", "guess"},
         "or tls-key-file-pass is not its passphrase"},
        {{"tls-cert-file", Write("expired.crt", expired.certificate), "tls-key-file",
          Write("expired.key", expired.key)},
         "expired at "},
        {{"tls-ca-cert-file", dir_ + "/missing.ca"}, "tls-ca-cert-file '"},
        {{"tls-ca-cert-file", garbage}, "tls-ca-cert-file '"},
        {{"tls-ca-cert-file", Write("old.ca", old_authority.certificate)},
         "no client's certificate would be valid"},
        {{"tls-ca-cert-file", "", "tls-auth-clients", "yes"},
         "no client's certificate can be checked"},
        {{"tls-ca-cert-dir", garbage}, "not a directory"},
        {{"tls-protocols", "TLSv1.2 SSLv3"}, "knows only TLSv1, TLSv1.1, TLSv1.2 and TLSv1.3"},
        {{"tls-ciphers", "NONSENSE"}, "tls-ciphers 'NONSENSE': no cipher match"},
        {{"tls-ciphersuites", "NONSENSE"}, "tls-ciphersuites 'NONSENSE': no cipher match"},
        {{"tls-dh-params-file", garbage}, "tls-dh-params-file '"},
    };
  }
};

TEST_F(TlsBadFiles, StopTheStartWithFileLineAndReason) {
  for (const BadFiles& bad : All()) {
    std::string text = "port 0\ntls-port " + std::to_string(FreePort()) + "\ntls-cert-file " +
                       Files().server_cert + "\ntls-key-file " + Files().server_key +
                       "\ntls-ca-cert-file " + Files().ca + "\n";
    for (size_t i = 0; i < bad.directives.size(); i += 2) {
      text += bad.directives[i] + " \"" + bad.directives[i + 1] + "\"\n";
    }
    const ProgramResult result = RunProgram(ServerUnderTest(), {Write("server.conf", text)});
    EXPECT_EQ(result.exit_code, 1) << text;
    EXPECT_THAT(result.output, HasSubstr("not started: tls-")) << text;
    EXPECT_THAT(result.output, HasSubstr(bad.reason)) << text;
    EXPECT_THAT(result.output, HasSubstr("server.conf:")) << text;
    EXPECT_THAT(result.output, ::testing::Not(HasSubstr("guess")));
  }
}

TEST_F(TlsBadFiles, AreRefusedAtRunTimeAsAWhole) {
  Server server(WithTls());
  Client client = server.Connect();
  ASSERT_EQ(client.Do("CONFIG SET maxclients 500"), "OK");
  for (const BadFiles& bad : All()) {
    std::vector<std::string> command{"CONFIG", "SET", "maxclients", "600"};
    command.insert(command.end(), bad.directives.begin(), bad.directives.end());
    const std::string before = client.Do("CONFIG GET tls-*");
    const std::string reply = client.Call(command).Show();
    EXPECT_THAT(reply, HasSubstr("-ERR CONFIG SET failed (possibly related to argument 'tls-"));
    EXPECT_THAT(reply, HasSubstr(bad.reason));
    EXPECT_EQ(client.Do("CONFIG GET tls-*"), before);
    EXPECT_EQ(client.Do("CONFIG GET maxclients"), "['maxclients', '500']");
    EXPECT_TRUE(IsServed(server, {.ca = Files().ca}));
  }
}

TEST_F(Tls, OpensAndClosesItsPortAtRunTime) {
  ServerOptions options;
  options.reactors = 2;
  Server server(std::move(options));
  Client client = server.Connect();
  const int port = FreePort();
  EXPECT_EQ(client.Do("CONFIG SET tls-port " + std::to_string(port)),
            "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - Unable to update "
            "TLS configuration: tls-cert-file: none is set");
  EXPECT_EQ(client.Do("CONFIG GET tls-port"), "['tls-port', '0']");
  ASSERT_EQ(client
                .Call({"CONFIG", "SET", "tls-cert-file", Files().server_cert, "tls-key-file",
                       Files().server_key, "tls-ca-cert-file", Files().ca, "tls-auth-clients",
                       "optional", "tls-port", std::to_string(port)})
                .Show(),
            "OK");
  Client secret = Client::Tls(port, {.ca = Files().ca});
  EXPECT_EQ(secret.Do("PING"), "PONG");
  // The two ports change places: the sockets stay, what is spoken there changes.
  ASSERT_EQ(client.Do("CONFIG SET tls-port " + std::to_string(server.port()) + " port " +
                      std::to_string(port)),
            "OK");
  EXPECT_EQ(Client::Tls(server.port(), {.ca = Files().ca}).Do("PING"), "PONG");
  EXPECT_EQ(Client::Tcp(port).Do("PING"), "PONG");
  EXPECT_EQ(client.Do("CONFIG SET tls-port " + std::to_string(port)),
            "-ERR CONFIG SET failed (possibly related to argument 'tls-port') - port and tls-port "
            "are the same");
  ASSERT_EQ(client.Do("CONFIG SET tls-port 0"), "OK");
  EXPECT_EQ(secret.Do("PING"), "PONG") << "who is in stays in";
  EXPECT_THROW(Client::Tls(server.port(), {.ca = Files().ca}), std::runtime_error);
  // The last way in cannot be closed.
  EXPECT_THAT(client.Do("CONFIG SET port 0"), HasSubstr("nothing to listen on"));
}

TEST_F(Tls, TakesNewCertificatesWithoutLosingConnections) {
  const auto write = [&](const Identity& identity, const std::string& to) {
    // Renamed into place, as tools that renew certificates do.
    const std::string cert = Write("new.crt", identity.certificate);
    const std::string key = Write("new.key", identity.key);
    std::filesystem::rename(key, dir_ + "/" + to + ".key");
    std::filesystem::rename(cert, dir_ + "/" + to + ".crt");
  };
  const auto make = [] { return MakeIdentity({}, &Files().authority); };
  write(make(), "a");
  Server server(WithTls({"--tls-cert-file", dir_ + "/a.crt", "--tls-key-file", dir_ + "/a.key",
                         "--tls-auto-reload-interval", "0"}));
  Client first = server.Connect();
  const std::string serial = SerialOf(first);
  EXPECT_EQ(SerialOf(server.Connect()), serial);

  // By CONFIG SET.
  write(make(), "b");
  ASSERT_EQ(first.Do("CONFIG SET tls-cert-file " + dir_ + "/b.crt tls-key-file " + dir_ + "/b.key"),
            "OK");
  const std::string second_serial = SerialOf(server.Connect());
  EXPECT_NE(second_serial, serial);
  EXPECT_EQ(first.Do("PING"), "PONG");

  // By SIGHUP.
  write(make(), "b");
  EXPECT_EQ(SerialOf(server.Connect()), second_serial) << "not before it is asked to";
  server.Signal(SIGHUP);
  ASSERT_TRUE(server.WaitForLog("read afresh after SIGHUP"));
  const std::string third_serial = SerialOf(server.Connect());
  EXPECT_NE(third_serial, second_serial);

  // By a look at the files.
  ASSERT_EQ(first.Do("CONFIG SET tls-auto-reload-interval 1"), "OK");
  write(make(), "b");
  ASSERT_TRUE(server.WaitForLog("read afresh after a change of the files"));
  const std::string fourth_serial = SerialOf(server.Connect());
  EXPECT_NE(fourth_serial, third_serial);
  EXPECT_EQ(Number(first, "tls_reloads"), 2);

  // What is no certificate is not taken.
  Write("b.crt", "half a certifi");
  ASSERT_TRUE(server.WaitForLog("the old ones stay in use: tls-cert-file '"));
  EXPECT_EQ(SerialOf(server.Connect()), fourth_serial);
  server.Signal(SIGHUP);
  EXPECT_TRUE(Reaches(first, "tls_failed_reloads", 2));
  EXPECT_EQ(SerialOf(server.Connect()), fourth_serial);
  write(make(), "b");
  const Deadline deadline;
  while (SerialOf(server.Connect()) == fourth_serial) ASSERT_FALSE(deadline.HasPassed());
  EXPECT_EQ(first.Do("PING"), "PONG") << "the first connection has outlived all of it";
}

TEST_F(Tls, OpensAKeyWithItsPassphrase) {
  const Identity locked = MakeIdentity({.passphrase = "open sesame"}, &Files().authority);
  Server server(WithTls({"--tls-cert-file", Write("l.crt", locked.certificate), "--tls-key-file",
                         Write("l.key", locked.key), "--tls-key-file-pass", "open sesame"}));
  EXPECT_TRUE(IsServed(server, {.ca = Files().ca}));
  EXPECT_THAT(server.Log(), ::testing::Not(HasSubstr("sesame")));
}

TEST_F(Tls, TakesThePassphraseFromAFile) {
  const Identity locked = MakeIdentity({.passphrase = "open sesame"}, &Files().authority);
  const std::string file = Write("l.pass", "open sesame\nsecond line\n");
  ASSERT_EQ(chmod(file.c_str(), 0600), 0);
  Server server(WithTls({"--tls-cert-file", Write("l.crt", locked.certificate), "--tls-key-file",
                         Write("l.key", locked.key), "--tls-key-file-pass-file", file}));
  EXPECT_TRUE(IsServed(server, {.ca = Files().ca}));
  Client plain = Client::Tcp(server.port());
  EXPECT_EQ(plain.Do("CONFIG GET tls-key-file-pass"), "['tls-key-file-pass', '']");
  // Bad ones are refused, and the old key stays in use.
  EXPECT_THAT(plain.Do("CONFIG SET tls-key-file-pass both"),
              HasSubstr("cannot be used together with tls-key-file-pass"));
  EXPECT_THAT(plain.Do("CONFIG SET tls-key-file-pass-file " + dir_ + "/none"),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(plain.Do("CONFIG SET tls-key-file-pass-file " + Write("wrong", "guess\n")),
              HasSubstr("everybody may read it"));
  ASSERT_EQ(chmod((dir_ + "/wrong").c_str(), 0600), 0);
  EXPECT_THAT(plain.Do("CONFIG SET tls-key-file-pass-file " + dir_ + "/wrong"),
              HasSubstr("or tls-key-file-pass-file is not its passphrase"));
  EXPECT_TRUE(IsServed(server, {.ca = Files().ca}));
  EXPECT_THAT(server.Log(), ::testing::Not(HasSubstr("sesame")));
}

TEST_F(Tls, TheAuditLogHasTheCertificate) {
  const std::string file = dir_ + "/audit.log";
  Server server(WithTls({"--tls-auth-clients-user", "CN", "--audit-log-file", file}));
  Client known = Client::Tls(server.tls_port(), WithCertificate());
  EXPECT_EQ(known.Do("FLUSHALL"), "OK");
  const Identity nobody = MakeIdentity({.common_name = "nobody"}, &Files().authority);
  EXPECT_EQ(Client::Tls(server.tls_port(), OptionsOf("nobody", nobody)).Do("PING"), "PONG");
  const std::string log = ReadFile(file);
  const auto cert_of = [](const std::string& name) { return ",\"cert\":\"CN=" + name + "\""; };
  EXPECT_THAT(log, HasSubstr("\"event\":\"auth\",\"user\":\"default\""));
  EXPECT_THAT(log, HasSubstr(cert_of("default") + ",\"result\":\"ok\"}"));
  EXPECT_THAT(log, HasSubstr(cert_of("default") + ",\"command\":\"flushall\""));
  EXPECT_THAT(log, HasSubstr("\"event\":\"auth\",\"user\":\"nobody\""));
  EXPECT_THAT(
      log, HasSubstr(cert_of("nobody") + ",\"result\":\"the certificate is for no user here\"}"));
}

TEST_F(Tls, SpeaksOnlyTheVersionsAndCiphersItIsToldTo) {
  Server server(WithTls(
      {"--tls-protocols", "TLSv1.3", "--tls-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"}));
  Client plain = Client::Tcp(server.port());
  const TlsOptions old{.ca = Files().ca, .is_tls12 = true};
  EXPECT_FALSE(IsServed(server, old));
  EXPECT_STREQ(SSL_get_cipher(server.Connect().ssl()), "TLS_CHACHA20_POLY1305_SHA256");
  ASSERT_EQ(plain
                .Call({"CONFIG", "SET", "tls-protocols", "tlsv1.2", "tls-ciphers",
                       "ECDHE-ECDSA-AES256-GCM-SHA384"})
                .Show(),
            "OK");
  Client client = server.Connect();
  EXPECT_STREQ(SSL_get_version(client.ssl()), "TLSv1.2");
  EXPECT_STREQ(SSL_get_cipher(client.ssl()), "ECDHE-ECDSA-AES256-GCM-SHA384");
}

/// Connects, asks once so that a ticket arrives, and returns the session.
SSL_SESSION* TakeSession(Client& client) {
  client.Do("PING");
  return SSL_get1_session(client.ssl());
}

TEST_F(Tls, ResumesSessionsOnEveryReactor) {
  ServerOptions options = WithTls();
  options.reactors = 4;
  Server server(std::move(options));
  Client plain = Client::Tcp(server.port());
  for (const bool is_tls12 : {false, true}) {
    const int64_t before = Number(plain, "tls_sessions_resumed");
    Client first = Client::Tls(server.tls_port(), {.ca = Files().ca, .is_tls12 = is_tls12});
    const std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session(TakeSession(first),
                                                                       SSL_SESSION_free);
    std::vector<Client> clients;
    for (int i = 0; i < 8; ++i) {
      clients.push_back(Client::Tls(server.tls_port(), {.ca = Files().ca,
                                                        .cert = {},
                                                        .key = {},
                                                        .is_tls12 = is_tls12,
                                                        .session = session.get()}));
      EXPECT_EQ(clients.back().Do("PING"), "PONG");
    }
    EXPECT_EQ(Number(plain, "tls_sessions_resumed") - before, 8);
  }
  ASSERT_EQ(plain.Do("CONFIG SET tls-session-caching no"), "OK");
  const int64_t before = Number(plain, "tls_sessions_resumed");
  Client first = server.Connect();
  const std::unique_ptr<SSL_SESSION, void (*)(SSL_SESSION*)> session(TakeSession(first),
                                                                     SSL_SESSION_free);
  TlsOptions again{.ca = Files().ca};
  again.session = session.get();
  EXPECT_EQ(Client::Tls(server.tls_port(), again).Do("PING"), "PONG");
  EXPECT_EQ(Number(plain, "tls_sessions_resumed"), before);
}

// ---------------------------------------------------------------- what is no TLS

TEST_F(Tls, CutsWhatIsNoTls) {
  Server server(WithTls());
  Client watching = server.Connect();
  Client plain = Client::Tcp(server.port());
  const std::vector<std::string> inputs = {
      "PING\r\n",
      "*1\r\n$4\r\nPING\r\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      std::string(5, '\0'),
      std::string("\x16\x03\x01\xff\xff", 5) + std::string(70'000, 'x'),  // longer than any record
      std::string("\x16\x03\x01\x00\x04\x01\x00\x00\x00", 9),             // an empty ClientHello
      std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'),  // bytes before the handshake
      std::string("\x15\x03\x01\x00\x02\x02\x28", 7),                 // an alert
      std::string("\x80\x2e\x01\x00\x02", 5) + std::string(60, 'x'),  // SSL 2
  };
  int64_t failures = 0;
  for (const std::string& input : inputs) {
    Client client = Client::Tcp(server.tls_port());
    try {
      client.Send(input);
    } catch (const std::exception&) {
      // Cut in the middle of it.
    }
    EXPECT_THAT(client.ReadUntilClosed(), ::testing::Not(HasSubstr("PONG"))) << Escaped(input);
    ++failures;
    EXPECT_TRUE(Reaches(plain, "tls_handshake_failures", failures)) << Escaped(input.substr(0, 20));
  }
  std::mt19937_64 random(Seed());
  for (int i = 0; i < 300; ++i) {
    // Garbage, at the beginning or behind a good handshake.
    std::string garbage(random() % 2000 + 1, '\0');
    for (char& c : garbage) c = static_cast<char>(random());
    if (i % 2 == 0) {
      Client client = Client::Tcp(server.tls_port());
      try {
        client.Send(garbage);
        client.ShutdownWrite();
      } catch (const std::exception&) {
      }
      client.ReadUntilClosed();
      continue;
    }
    Client client = server.Connect();
    EXPECT_EQ(client.Do("PING"), "PONG");
    if (i % 4 == 1) garbage.insert(0, "\x17\x03\x03", 3);
    (void)send(client.fd(), garbage.data(), garbage.size(), MSG_NOSIGNAL);
    client.ShutdownWrite();
    client.ReadUntilClosed();
  }
  EXPECT_EQ(watching.Do("PING"), "PONG") << "nobody else is harmed";
  EXPECT_TRUE(server.IsAlive());
}

TEST_F(Tls, CutsTlsOnThePlainPort) {
  Server server(WithTls());
  Client watching = server.Connect();
  EXPECT_THROW(Client::Tls(server.port(), {.ca = Files().ca}), std::runtime_error);
  EXPECT_TRUE(server.WaitForLog("it speaks TLS, which this port does not"));
  EXPECT_EQ(watching.Do("PING"), "PONG");
}

TEST_F(Tls, CutsRecordsThatEndEarlyOrAreChanged) {
  Server server(WithTls());
  Client watching = server.Connect();
  Client cut = server.Connect();
  ASSERT_EQ(cut.Do("PING"), "PONG");
  // The head of a record, and nothing behind it.
  ASSERT_EQ(send(cut.fd(), "\x17\x03\x03\x00\x40half", 9, MSG_NOSIGNAL), 9);
  cut.ShutdownWrite();
  EXPECT_EQ(cut.ReadUntilClosed(), "");
  // A record of its length, which nobody with the keys has made.
  Client forged = server.Connect();
  ASSERT_EQ(forged.Do("PING"), "PONG");
  const std::string record = std::string("\x17\x03\x03\x00\x30", 5) + std::string(48, 'x');
  ASSERT_EQ(send(forged.fd(), record.data(), record.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(record.size()));
  EXPECT_EQ(forged.ReadUntilClosed(), "");
  EXPECT_TRUE(server.WaitForLog("TLS connection with 127.0.0.1:"));
  EXPECT_EQ(watching.Do("PING"), "PONG");
}

TEST_F(Tls, CutsWhoAsksForNewKeysAgainAndAgain) {
  Server server(WithTls());
  Client watching = server.Connect();
  Client client = server.Connect();
  ASSERT_EQ(client.Do("PING"), "PONG");
  bool is_cut = false;
  for (int i = 0; i < 1000 && !is_cut; ++i) {
    SSL_key_update(client.ssl(), SSL_KEY_UPDATE_REQUESTED);
    try {
      is_cut = client.Do("PING") != "PONG";
    } catch (const std::exception&) {
      is_cut = true;
    }
    if (i == 10) {
      EXPECT_FALSE(is_cut) << "now and then it may";
    }
  }
  EXPECT_TRUE(is_cut);
  EXPECT_EQ(Number(watching, "tls_renegotiation_floods"), 1);
  // With TLS 1.2 there is no second handshake at all.
  Client old = Client::Tls(server.tls_port(), {.ca = Files().ca, .is_tls12 = true});
  ASSERT_EQ(old.Do("PING"), "PONG");
  SSL_renegotiate(old.ssl());
  EXPECT_THROW(old.Do("PING"), std::runtime_error);
  EXPECT_EQ(watching.Do("PING"), "PONG");
}

TEST_F(Tls, ClosesWhoDoesNotFinishTheHandshake) {
  Server server(WithTls({"--tls-handshake-timeout", "1"}));
  Client plain = Client::Tcp(server.port());
  Client done = server.Connect();
  Client silent = Client::Tcp(server.tls_port());
  Client half = Client::Tcp(server.tls_port());
  half.Send(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01", 8));
  EXPECT_EQ(silent.ReadUntilClosed(), "");
  EXPECT_EQ(half.ReadUntilClosed(), "");
  EXPECT_EQ(Number(plain, "tls_handshake_timeouts"), 2);
  EXPECT_TRUE(server.WaitForLog("no TLS handshake within 1 s"));
  EXPECT_EQ(done.Do("PING"), "PONG");
}

TEST_F(Tls, AStormOfHandshakesIsServedInTurns) {
  Server server(WithTls());
  Client plain = Client::Tcp(server.port());
  constexpr int kThreads = 8;
  constexpr int kEach = 25 / kSlowness + 1;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      std::vector<Client> clients;
      for (int j = 0; j < kEach; ++j) clients.push_back(server.Connect());
      for (Client& client : clients) EXPECT_EQ(client.Do("PING"), "PONG");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Number(plain, "tls_handshakes"), kThreads * kEach);
  EXPECT_EQ(Number(plain, "tls_handshake_failures"), 0);
}

TEST_F(Tls, MemoryOfClientsIsThatOfPlainOnesAndMore) {
  Server server(WithTls());
  Client plain = Client::Tcp(server.port());
  Client secret = server.Connect();
  const auto memory = [](Client& client) {
    const std::string text = client.Do("CLIENT INFO");
    return std::atoll(text.substr(text.find("tot-mem=") + 8).c_str());
  };
  EXPECT_GT(memory(secret), memory(plain) + 4096);
}

TEST_F(Tls, EndsWithinTimeWhileHandshakesAreHalfDone) {
  Server server(WithTls());
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(Client::Tcp(server.tls_port()));
    clients.back().Send(std::string_view("\x16\x03\x01\x02\x00\x01\x00\x01", 8));
  }
  clients.push_back(server.Connect());
  ASSERT_EQ(clients.back().Do("PING"), "PONG");
  EXPECT_EQ(server.Stop(), 0);
}

TEST_F(Tls, RedisCliConnectsWithAndWithoutACertificate) {
  Server server(WithTls());
  const auto cli = [&](std::vector<std::string> more) {
    std::vector<std::string> args{"-p", std::to_string(server.tls_port()), "--tls", "--cacert",
                                  Files().ca};
    args.insert(args.end(), more.begin(), more.end());
    return RunProgram("redis-cli", args).output;
  };
  EXPECT_EQ(cli({"PING"}), "PONG\n");
  Client plain = Client::Tcp(server.port());
  ASSERT_EQ(plain.Do("CONFIG SET tls-auth-clients yes"), "OK");
  EXPECT_EQ(cli({"--cert", Files().client_cert, "--key", Files().client_key, "SET", "k", "v"}),
            "OK\n");
  EXPECT_THAT(cli({"GET", "k"}), ::testing::Not(HasSubstr("v\n")));
}

}  // namespace
}  // namespace peal::tests
