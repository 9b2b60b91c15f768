#include "broker/auth/token.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "broker/acl/crypto.h"
#include "broker/auth/json.h"
#include "protocol/base/number.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr std::string_view kPlainPrefix = "peal1.";
constexpr std::string_view kJsonPrefix = "eyJ";  // {"
constexpr size_t kMostRoles = 64;
constexpr int64_t kLatestS = 253'402'300'799;  // the end of the year 9999

bool IsBase64Url(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

/// Names that can be told in one line, and signed in one without doubt where they end.
bool IsName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    const auto octet = static_cast<unsigned char>(c);
    return octet > ' ' && octet != 0x7f;
  });
}

Result<TokenGrant> Granted(int64_t expiry_s, const TokenPolicy& policy, int64_t now_ms) {
  if (expiry_s < 0 || expiry_s > kLatestS) return Error::Static("the expiry is out of range");
  TokenGrant grant;
  grant.expires_ms = (expiry_s + policy.leeway_s) * 1000;
  if (now_ms >= grant.expires_ms) return Error::Static("the token has expired");
  return grant;
}

Result<void> AddRoles(TokenGrant& grant, std::vector<std::string> names) {
  grant.has_roles = true;
  if (names.empty()) return Error::Static("the list of roles is empty");
  if (names.size() > kMostRoles) return Error::Static("there are more than 64 roles");
  for (const std::string& name : names) {
    if (!IsName(name)) return Error::Static("the name of a role is empty or has blanks");
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  grant.roles = std::move(names);
  return {};
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// ---------------------------------------------------------------- peal1

Result<TokenGrant> VerifyPlain(const TokenKeys& keys, const TokenPolicy& policy,
                               std::string_view user, std::string_view token, int64_t now_ms) {
  const std::string_view rest = token.substr(kPlainPrefix.size());
  const size_t first = rest.find('.');
  const size_t last = rest.rfind('.');  // HasTokenForm: there are two
  const std::string_view expiry = rest.substr(0, first);
  const std::string_view roles = rest.substr(first + 1, last - first - 1);
  const std::optional<std::string> mac = DecodeHex(rest.substr(last + 1));
  if (!mac || mac->size() != kSha256Bytes) {
    return Error::Static("the signature is not 64 hexadecimal digits");
  }
  std::string message = "peal1\n";
  message.append(user).append("\n").append(expiry).append("\n").append(roles);
  bool has_key = false;
  bool is_right = false;
  for (const TokenKey& key : keys.keys()) {
    if (key.kind != TokenKind::kHmac) continue;
    has_key = true;
    is_right = SameDigest(HmacSha256(key.secret.view(), message), *mac) || is_right;
  }
  if (!has_key) return Error::Static("there is no key of kind hmac");
  if (!is_right) return Error::Static("the signature is wrong, or is for another user");
  const std::optional<int64_t> expiry_s = protocol::ParseInt64(expiry);
  if (!expiry_s) return Error::Static("the expiry is not a number");
  PEAL_ASSIGN_OR_RETURN(TokenGrant grant, Granted(*expiry_s, policy, now_ms));
  if (!roles.empty()) PEAL_RETURN_IF_ERROR(AddRoles(grant, Split(roles, ',')));
  return grant;
}

// ---------------------------------------------------------------- JSON Web Tokens

const JsonValue* Find(const JsonObject& object, std::string_view name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &found->second;
}

/// Null if there is none; the error if it is no string.
Result<const std::string*> TextOf(const JsonObject& object, std::string_view name) {
  const JsonValue* value = Find(object, name);
  if (value == nullptr) return static_cast<const std::string*>(nullptr);
  if (value->kind != JsonValue::Kind::kString) {
    return Error::Owned("'" + std::string(name) + "' is no string");
  }
  return &value->text;
}

/// Seconds since 1970, a fraction cut off. Nothing if there is none.
Result<std::optional<int64_t>> TimeOf(const JsonObject& object, std::string_view name) {
  const JsonValue* value = Find(object, name);
  if (value == nullptr) return std::optional<int64_t>();
  // Written so that what is not a number is refused, too.
  const bool is_in_range = value->kind == JsonValue::Kind::kNumber && value->number >= 0 &&
                           value->number <= static_cast<double>(kLatestS);
  if (!is_in_range) return Error::Owned("'" + std::string(name) + "' is no time");
  return std::optional<int64_t>(static_cast<int64_t>(std::floor(value->number)));
}

std::string_view AlgorithmOf(TokenKind kind) {
  if (kind == TokenKind::kHs256) return "HS256";
  return kind == TokenKind::kRs256 ? "RS256" : "ES256";
}

Result<const TokenKey*> ChooseKey(const TokenKeys& keys, const JsonObject& header) {
  if (Find(header, "crit") != nullptr) return Error::Static("the header has 'crit'");
  PEAL_ASSIGN_OR_RETURN(const std::string* id, TextOf(header, "kid"));
  const TokenKey* key = id != nullptr ? keys.FindForJwt(*id) : keys.OnlyForJwt();
  if (key == nullptr) {
    return Error::Static(id != nullptr ? "there is no key of that 'kid'"
                                       : "the header has no 'kid', and there is not one key only");
  }
  PEAL_ASSIGN_OR_RETURN(const std::string* algorithm, TextOf(header, "alg"));
  if (algorithm == nullptr || *algorithm != AlgorithmOf(key->kind)) {
    return Error::Static("'alg' is not that of the key");
  }
  return key;
}

bool HasGoodSignature(const TokenKey& key, std::string_view message, std::string_view signature) {
  if (key.kind == TokenKind::kHs256) {
    return SameDigest(HmacSha256(key.secret.view(), message), signature);
  }
  return key.public_key && key.public_key->Verifies(message, signature);
}

bool IsAudience(const JsonValue& value, const std::string& wanted) {
  if (value.kind == JsonValue::Kind::kString) return value.text == wanted;
  return std::find(value.strings.begin(), value.strings.end(), wanted) != value.strings.end();
}

Result<void> CheckClaims(const JsonObject& claims, const TokenPolicy& policy, std::string_view user,
                         int64_t now_ms) {
  PEAL_ASSIGN_OR_RETURN(const std::string* subject, TextOf(claims, "sub"));
  if (subject == nullptr || *subject != user) return Error::Static("'sub' is not the user");
  PEAL_ASSIGN_OR_RETURN(const std::optional<int64_t> not_before_s, TimeOf(claims, "nbf"));
  if (now_ms < (not_before_s.value_or(0) - policy.leeway_s) * 1000) {
    return Error::Static("the token is not valid yet");
  }
  PEAL_ASSIGN_OR_RETURN(const std::string* issuer, TextOf(claims, "iss"));
  if (!policy.issuer.empty() && (issuer == nullptr || *issuer != policy.issuer)) {
    return Error::Static("'iss' is not auth-token-issuer");
  }
  const JsonValue* audience = Find(claims, "aud");
  if (policy.audience.empty() ? audience != nullptr
                              : audience == nullptr || !IsAudience(*audience, policy.audience)) {
    return Error::Static("'aud' does not name auth-token-audience");
  }
  return {};
}

Result<TokenGrant> VerifyJwt(const TokenKeys& keys, const TokenPolicy& policy,
                             std::string_view user, std::string_view token, int64_t now_ms) {
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  const std::optional<std::string> header_text = DecodeBase64Url(token.substr(0, first));
  const std::optional<std::string> claims_text =
      DecodeBase64Url(token.substr(first + 1, last - first - 1));
  const std::optional<std::string> signature = DecodeBase64Url(token.substr(last + 1));
  if (!header_text || !claims_text || !signature) return Error::Static("bad base64url");
  const Result<JsonObject> header = ParseJsonObject(*header_text);
  if (!header.ok()) return Error::Owned("header: " + std::string(header.error().text()));
  PEAL_ASSIGN_OR_RETURN(const TokenKey* key, ChooseKey(keys, *header));
  if (!HasGoodSignature(*key, token.substr(0, last), *signature)) {
    return Error::Static("the signature is wrong");
  }
  // Only what is signed is read.
  const Result<JsonObject> claims = ParseJsonObject(*claims_text);
  if (!claims.ok()) return Error::Owned("claims: " + std::string(claims.error().text()));
  PEAL_RETURN_IF_ERROR(CheckClaims(*claims, policy, user, now_ms));
  PEAL_ASSIGN_OR_RETURN(const std::optional<int64_t> expiry_s, TimeOf(*claims, "exp"));
  if (!expiry_s) return Error::Static("there is no 'exp'");
  PEAL_ASSIGN_OR_RETURN(TokenGrant grant, Granted(*expiry_s, policy, now_ms));
  if (const JsonValue* roles = Find(*claims, "roles"); roles != nullptr) {
    if (roles->kind == JsonValue::Kind::kOther || roles->kind == JsonValue::Kind::kNumber) {
      return Error::Static("'roles' is neither a string nor a list of strings");
    }
    PEAL_RETURN_IF_ERROR(AddRoles(grant, roles->kind == JsonValue::Kind::kStrings
                                             ? roles->strings
                                             : Split(roles->text, ' ')));
  }
  return grant;
}

}  // namespace

bool HasTokenForm(std::string_view secret) {
  const auto dots = std::count(secret.begin(), secret.end(), '.');
  if (secret.starts_with(kPlainPrefix)) return dots >= 3;
  if (!secret.starts_with(kJsonPrefix) || dots != 2) return false;
  const size_t first = secret.find('.');
  const size_t last = secret.rfind('.');
  // The last part of an unsigned token is empty: it is one, and is refused.
  return IsBase64Url(secret.substr(0, first)) &&
         IsBase64Url(secret.substr(first + 1, last - first - 1)) &&
         (last + 1 == secret.size() || IsBase64Url(secret.substr(last + 1)));
}

Result<TokenGrant> VerifyToken(const TokenKeys& keys, const TokenPolicy& policy,
                               std::string_view user, std::string_view token, int64_t now_ms) {
  if (token.size() > kLongestToken) return Error::Static("the token is longer than 8 KiB");
  if (!HasTokenForm(token)) return Error::Static("it has not the form of a token");
  if (!IsName(user)) return Error::Static("the name of the user is empty or has blanks");
  return token.starts_with(kPlainPrefix) ? VerifyPlain(keys, policy, user, token, now_ms)
                                         : VerifyJwt(keys, policy, user, token, now_ms);
}

}  // namespace peal::broker
