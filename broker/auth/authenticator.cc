#include "broker/auth/authenticator.h"

#include <utility>

#include "broker/log/log.h"

namespace peal::broker {

using protocol::Result;

Result<TokenAuthenticator::Settings> TokenAuthenticator::Make(const Config& config) {
  Settings settings{.file = config.auth_token_file,
                    .keys = nullptr,
                    .policy = {.leeway_s = config.auth_token_leeway_s,
                               .issuer = config.auth_token_issuer,
                               .audience = config.auth_token_audience}};
  if (!settings.file.empty()) {
    PEAL_ASSIGN_OR_RETURN(settings.keys, TokenKeys::Load(settings.file));
  }
  return settings;
}

std::shared_ptr<const TokenAuthenticator::Settings> TokenAuthenticator::Current() const {
  store::MutexLock lock(mutex_);
  return settings_;
}

void TokenAuthenticator::Put(Settings settings) {
  auto next = std::make_shared<const Settings>(std::move(settings));
  store::MutexLock lock(mutex_);
  std::swap(settings_, next);
}

void TokenAuthenticator::Reload(std::string_view why) {
  const std::shared_ptr<const Settings> old = Current();
  if (old == nullptr || old->keys == nullptr) return;
  Result<std::shared_ptr<const TokenKeys>> keys = TokenKeys::Load(old->file);
  if (!keys.ok()) {
    LogWarning("keys of tokens were not taken over after {}, the old ones stay in use: {}", why,
               keys.error().text());
    return;
  }
  auto next = std::make_shared<Settings>(*old);
  next->keys = *std::move(keys);
  const size_t count = next->keys->keys().size();
  {
    store::MutexLock lock(mutex_);
    if (settings_ != old) return;  // CONFIG SET came first, with files just read
    settings_ = std::move(next);
  }
  LogNotice("keys of tokens read afresh after {}: {} keys", why, count);
}

std::optional<LoginOutcome> TokenAuthenticator::Try(std::string_view user, std::string_view secret,
                                                    int64_t now_ms) {
  const std::shared_ptr<const Settings> settings = Current();
  if (settings == nullptr || settings->keys == nullptr || !HasTokenForm(secret)) {
    return std::nullopt;
  }
  const auto refused = [](std::string_view reason) {
    return LoginOutcome{.account = nullptr, .expires_ms = 0, .reason = std::string(reason)};
  };
  const Result<TokenGrant> grant =
      VerifyToken(*settings->keys, settings->policy, user, secret, now_ms);
  if (!grant.ok()) return refused("token: " + std::string(grant.error().text()));
  Result<AclAccountRef> account =
      users_.AccountForToken(user, grant->has_roles ? &grant->roles : nullptr);
  if (!account.ok()) return refused("token: " + std::string(account.error().text()));
  return LoginOutcome{
      .account = *std::move(account), .expires_ms = grant->expires_ms, .reason = {}};
}

std::optional<LoginOutcome> PasswordAuthenticator::Try(std::string_view user,
                                                       std::string_view secret,
                                                       int64_t /*now_ms*/) {
  AclAccountRef account = users_.Authenticate(user, secret);
  if (account == nullptr) {
    return LoginOutcome{.account = nullptr, .expires_ms = 0, .reason = "wrong user or password"};
  }
  return LoginOutcome{.account = std::move(account), .expires_ms = 0, .reason = {}};
}

Authentication::Authentication(AclUsers& users) {
  auto tokens = std::make_unique<TokenAuthenticator>(users);
  tokens_ = tokens.get();
  all_.push_back(std::move(tokens));
  all_.push_back(std::make_unique<PasswordAuthenticator>(users));
}

LoginOutcome Authentication::LogIn(std::string_view user, std::string_view secret, int64_t now_ms) {
  for (const auto& authenticator : all_) {
    if (auto outcome = authenticator->Try(user, secret, now_ms)) return *std::move(outcome);
  }
  return {.account = nullptr, .expires_ms = 0, .reason = "nobody knows such secrets"};
}

}  // namespace peal::broker
