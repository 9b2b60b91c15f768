#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/acl/users.h"
#include "broker/auth/token.h"
#include "broker/config/config.h"
#include "protocol/base/result.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// What came of a user's name and secret.
struct LoginOutcome {
  AclAccountRef account;   // null: refused
  int64_t expires_ms = 0;  // Unix; 0: never
  std::string reason;      // of a refusal, for logs and administrators; the client is not told
};

/// A way to tell who somebody is. Called on any reactor, within a turn: it must not wait.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Nothing if the secret is not of this one's kind: then the next is asked.
  virtual std::optional<LoginOutcome> Try(std::string_view user, std::string_view secret,
                                          int64_t now_ms) = 0;
};

/// Tokens that the keys of auth-token-file verify. [any thread]
class TokenAuthenticator final : public Authenticator {
 public:
  explicit TokenAuthenticator(AclUsers& users) : users_(users) {}

  /// What tokens are verified with; without keys there are no tokens.
  struct Settings {
    std::string file;
    std::shared_ptr<const TokenKeys> keys;
    TokenPolicy policy;
  };
  /// Reads the file of keys, if one is configured. Errors name it, the line and the reason.
  static protocol::Result<Settings> Make(const Config& config);
  /// Uses `settings` from now on; who is logged in stays.
  void Put(Settings settings);
  /// Reads the file afresh; if that fails the old keys stay, and the log says so.
  void Reload(std::string_view why);

  std::optional<LoginOutcome> Try(std::string_view user, std::string_view secret,
                                  int64_t now_ms) override;

 private:
  std::shared_ptr<const Settings> Current() const;

  AclUsers& users_;
  mutable store::Mutex mutex_{store::LockRank::kLeaf};
  std::shared_ptr<const Settings> settings_ GUARDED_BY(mutex_);
};

/// Passwords of users: takes whatever no other one took.
class PasswordAuthenticator final : public Authenticator {
 public:
  explicit PasswordAuthenticator(const AclUsers& users) : users_(users) {}
  std::optional<LoginOutcome> Try(std::string_view user, std::string_view secret,
                                  int64_t now_ms) override;

 private:
  const AclUsers& users_;
};

/// All ways of logging in, in the order in which they are asked.
class Authentication {
 public:
  explicit Authentication(AclUsers& users);

  /// AUTH and HELLO AUTH. Any reactor, within a turn.
  LoginOutcome LogIn(std::string_view user, std::string_view secret, int64_t now_ms);
  TokenAuthenticator& tokens() { return *tokens_; }

 private:
  std::vector<std::unique_ptr<Authenticator>> all_;
  TokenAuthenticator* tokens_;  // one of them
};

}  // namespace peal::broker
