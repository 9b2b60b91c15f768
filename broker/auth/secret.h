#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "broker/acl/crypto.h"
#include "broker/config/config.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// A password or key: overwritten when it goes. Moves only, so that no copy is left behind.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : text_(text) {}
  Secret(Secret&& other) noexcept : text_(std::move(other.text_)) { Cleanse(other.text_); }
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    Cleanse(text_);
    text_ = std::move(other.text_);
    Cleanse(other.text_);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { Cleanse(text_); }

  std::string_view view() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  std::string text_;
};

/// A file and who may read it.
struct SecretFile {
  Secret text;
  bool is_open_to_others = false;  // readable by everybody on this machine
};

/// The whole file, at most 1 MiB. The error is "cannot read '<path>': <reason>".
protocol::Result<SecretFile> ReadSecretFile(const std::string& path);

/// The first line of a file that holds a password, without its end. Refused if others may read the
/// file, if the line is empty or has a NUL octet.
protocol::Result<Secret> ReadPasswordFile(const std::string& path);

/// The default user's password: requirepass, or what requirepass-file holds; empty if there is
/// none. The error is a line for the operator.
protocol::Result<Secret> DefaultPassword(const Config& config);

}  // namespace peal::broker
