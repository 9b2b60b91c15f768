#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "broker/net/tls/transport.h"
#include "tests/support/certificates.h"

namespace peal::broker {
namespace {

std::shared_ptr<const TlsContext> MakeContext() {
  const tests::TlsFiles& files = tests::TlsFiles::Shared();
  TlsSettings settings;
  settings.cert_file = files.server_cert;
  settings.key_file = files.server_key;
  settings.ca_cert_file = files.ca;
  settings.auth_clients = TlsClientAuth::kNo;
  auto made = TlsContext::Make(settings);
  EXPECT_TRUE(made.ok());
  return made.ok() ? *made : nullptr;
}

/// A transport at one end of a pair of sockets with small buffers, OpenSSL as the client at the
/// other; hands are shaken.
class TlsTransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds_), 0);
    const int bytes = 16 << 10;
    ::setsockopt(fds_[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    transport_ = new TlsTransport(MakeContext(), shared_);
    client_context_ = SSL_CTX_new(TLS_client_method());
    client_ = SSL_new(client_context_);
    ASSERT_NE(client_, nullptr);
    SSL_set_fd(client_, fds_[1]);
    ssize_t status = -EAGAIN;
    for (bool is_done = false; !is_done || status != 1;) {
      is_done = SSL_connect(client_) == 1;
      if (status != 1) status = transport_->Handshake(fds_[0]);
      ASSERT_TRUE(status == 1 || status == -EAGAIN) << status;
    }
  }

  void TearDown() override {
    SSL_free(client_);
    SSL_CTX_free(client_context_);
    if (transport_ != nullptr) transport_->Release();
    ::close(fds_[0]);
    ::close(fds_[1]);
  }

  /// Offers what of `text` is not sent yet until the socket takes no more. Returns how much of it
  /// the transport has told as sent.
  size_t Offer(std::string_view text, size_t sent) {
    while (sent < text.size()) {
      const iovec range{const_cast<char*>(text.data()) + sent, text.size() - sent};
      const ssize_t n = transport_->Write(fds_[0], &range, 1);
      if (n == -EAGAIN) break;
      EXPECT_GT(n, 0);
      if (n <= 0) break;
      sent += static_cast<size_t>(n);
    }
    return sent;
  }

  /// Reads what is there, at most `limit` bytes.
  std::string Receive(size_t limit) {
    std::string text(limit, '\0');
    size_t at = 0;
    size_t n = 0;
    while (at < limit && SSL_read_ex(client_, text.data() + at, limit - at, &n) == 1) at += n;
    text.resize(at);
    return text;
  }

  TlsShared shared_;
  TlsTransport* transport_ = nullptr;
  int fds_[2] = {-1, -1};
  SSL_CTX* client_context_ = nullptr;
  SSL* client_ = nullptr;
};

std::string Numbers(size_t bytes) {
  std::string text;
  for (int i = 0; text.size() < bytes; ++i) text += std::to_string(i) + " ";
  return text;
}

TEST_F(TlsTransportTest, WhatItKeptGoesOnceWhoeverSendsIt) {
  const std::string text = Numbers(1 << 20);
  std::string received;
  size_t sent = 0;
  int kept = 0;
  for (int turn = 0; received.size() < text.size(); ++turn) {
    ASSERT_LT(turn, 100'000);
    sent = Offer(text, sent);
    received += Receive(7'000);
    // As after an event that finds the socket readable and writable at once.
    if (turn % 2 == 0 && transport_->has_output()) {
      const ssize_t n = transport_->Write(fds_[0], nullptr, 0);
      ASSERT_TRUE(n == 0 || n == -EAGAIN) << n;
      if (n == 0) ++kept;
    }
  }
  EXPECT_EQ(sent, text.size());
  EXPECT_GT(kept, 0) << "The socket never filled: nothing was tested";
  EXPECT_TRUE(received == text);
  EXPECT_TRUE(Receive(1).empty());
}

TEST_F(TlsTransportTest, TellsAsSentOnlyWhatTheSocketHasTaken) {
  const std::string text = Numbers(1 << 20);
  const size_t sent = Offer(text, 0);
  EXPECT_TRUE(transport_->has_output());
  EXPECT_LT(sent, text.size());
  std::string received;
  for (std::string part; !(part = Receive(1 << 16)).empty();) received += part;
  EXPECT_LE(sent, received.size());
  EXPECT_EQ(received, text.substr(0, received.size()));
}

}  // namespace
}  // namespace peal::broker
