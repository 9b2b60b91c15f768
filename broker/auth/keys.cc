#include "broker/auth/keys.h"

#include <algorithm>
#include <utility>

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

constexpr size_t kLongestId = 128;
constexpr std::string_view kHexPrefix = "hex:";
constexpr std::string_view kBase64Prefix = "base64:";
constexpr std::string_view kFilePrefix = "file:";

/// The next word of the line.
std::string_view TakeWord(std::string_view& line) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) {
    line = {};
    return {};
  }
  line.remove_prefix(begin);
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

std::optional<TokenKind> KindOf(std::string_view word) {
  if (word == "hmac") return TokenKind::kHmac;
  if (word == "hs256") return TokenKind::kHs256;
  if (word == "rs256") return TokenKind::kRs256;
  if (word == "es256") return TokenKind::kEs256;
  return std::nullopt;
}

bool IsId(std::string_view id) {
  return !id.empty() && id.size() <= kLongestId &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

Result<Secret> SecretFromFile(const std::string& path) {
  PEAL_ASSIGN_OR_RETURN(SecretFile file, ReadSecretFile(path));
  if (file.is_open_to_others) {
    return Error::Owned("'" + path + "' holds a secret, and everybody may read it: chmod o-r");
  }
  std::string_view text = file.text.view();
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  // A public key, which everybody knows, would pass for a secret by its length.
  if (text.find("-----BEGIN") != std::string_view::npos) {
    return Error::Owned("'" + path + "' holds a key in PEM, which is no secret for HMAC");
  }
  return Secret(text);
}

Result<Secret> SecretFromWord(std::string_view word, bool is_open_to_others) {
  if (word.starts_with(kFilePrefix)) {
    return SecretFromFile(std::string(word.substr(kFilePrefix.size())));
  }
  const bool is_hex = word.starts_with(kHexPrefix);
  if (!is_hex && !word.starts_with(kBase64Prefix)) {
    return Error::Static("a secret begins with hex:, base64: or file:");
  }
  if (is_open_to_others) {
    return Error::Static("it holds a secret, and everybody may read the file: chmod o-r");
  }
  std::optional<std::string> decoded = is_hex ? DecodeHex(word.substr(kHexPrefix.size()))
                                              : DecodeBase64(word.substr(kBase64Prefix.size()));
  if (!decoded) return Error::Static(is_hex ? "bad hexadecimal digits" : "bad base64");
  Secret secret(*decoded);
  Cleanse(*decoded);
  return secret;
}

Result<TokenKey> ReadLine(std::string_view line, bool is_open_to_others) {
  const std::optional<TokenKind> kind = KindOf(TakeWord(line));
  if (!kind) return Error::Static("a line begins with hmac, hs256, rs256 or es256");
  TokenKey key;
  key.kind = *kind;
  const std::string_view id = TakeWord(line);
  if (!IsId(id)) return Error::Static("the id of the key is missing or longer than 128 characters");
  key.id = id;
  const std::string_view word = TakeWord(line);
  if (word.empty()) return Error::Static("the key itself is missing");
  if (!TakeWord(line).empty()) return Error::Static("there are more words than three");
  if (key.kind == TokenKind::kHmac || key.kind == TokenKind::kHs256) {
    PEAL_ASSIGN_OR_RETURN(key.secret, SecretFromWord(word, is_open_to_others));
    const size_t bytes = key.secret.view().size();
    if (bytes < TokenKeys::kLeastSecretBytes)
      return Error::Static("a secret has 32 octets at least");
    if (bytes > TokenKeys::kMostSecretBytes)
      return Error::Static("a secret has 1,024 octets at most");
    return key;
  }
  if (!word.starts_with(kFilePrefix)) return Error::Static("a public key is a file: file:PATH");
  PEAL_ASSIGN_OR_RETURN(const SecretFile file,
                        ReadSecretFile(std::string(word.substr(kFilePrefix.size()))));
  PEAL_ASSIGN_OR_RETURN(PublicKey public_key, PublicKey::FromPem(file.text.view()));
  const bool is_rsa = public_key.kind() == PublicKey::Kind::kRsa;
  if (is_rsa != (key.kind == TokenKind::kRs256)) {
    return Error::Static(is_rsa ? "es256 needs an ECDSA key, this one is RSA"
                                : "rs256 needs an RSA key, this one is ECDSA");
  }
  key.public_key = std::move(public_key);
  return key;
}

}  // namespace

Result<std::shared_ptr<const TokenKeys>> TokenKeys::Load(const std::string& path) {
  PEAL_ASSIGN_OR_RETURN(const SecretFile file, ReadSecretFile(path));
  return Parse(file.text.view(), path, file.is_open_to_others);
}

Result<std::shared_ptr<const TokenKeys>> TokenKeys::Parse(std::string_view text,
                                                          const std::string& path,
                                                          bool is_open_to_others) {
  auto made = std::make_shared<TokenKeys>();
  size_t number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::string_view rest = line;
    const std::string_view first = TakeWord(rest);
    if (first.empty() || first.starts_with('#')) continue;
    const auto refused = [&](std::string_view reason) {
      return Error::Owned(path + ":" + std::to_string(number) + ": " + std::string(reason));
    };
    Result<TokenKey> key = ReadLine(line, is_open_to_others);
    if (!key.ok()) return refused(key.error().text());
    for (const TokenKey& other : made->keys_) {
      if (other.id == key->id) return refused("another key has the same id");
    }
    if (made->keys_.size() == kMostKeys) return refused("there are more than 64 keys");
    made->keys_.push_back(*std::move(key));
  }
  if (made->keys_.empty()) return Error::Owned(path + ": there is no key in it");
  return std::shared_ptr<const TokenKeys>(std::move(made));
}

const TokenKey* TokenKeys::FindForJwt(std::string_view id) const {
  for (const TokenKey& key : keys_) {
    if (key.kind != TokenKind::kHmac && key.id == id) return &key;
  }
  return nullptr;
}

const TokenKey* TokenKeys::OnlyForJwt() const {
  const TokenKey* only = nullptr;
  for (const TokenKey& key : keys_) {
    if (key.kind == TokenKind::kHmac) continue;
    if (only != nullptr) return nullptr;
    only = &key;
  }
  return only;
}

}  // namespace peal::broker
