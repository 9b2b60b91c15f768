#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/acl/crypto.h"
#include "broker/config/config.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// A password or key: overwritten when it goes. Moves only, so that no copy is left behind: the
/// octets stay where they are, which those of a short std::string do not.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view text) : octets_(new char[text.size()]), size_(text.size()) {
    std::copy(text.begin(), text.end(), octets_.get());
  }
  Secret(Secret&& other) noexcept
      : octets_(std::move(other.octets_)), size_(std::exchange(other.size_, 0)) {}
  Secret& operator=(Secret&& other) noexcept {
    if (this == &other) return *this;
    Cleanse(octets_.get(), size_);
    octets_ = std::move(other.octets_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { Cleanse(octets_.get(), size_); }

  std::string_view view() const { return {octets_.get(), size_}; }
  bool empty() const { return size_ == 0; }

 private:
  std::unique_ptr<char[]> octets_;
  size_t size_ = 0;
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
