#include "protocol/base/error.h"

#include <algorithm>
#include <cstring>

#include "protocol/base/text.h"

namespace peal::protocol {
namespace {

/// Redis prints at most this many octets of a name or argument that it does not know.
constexpr size_t kMaxEcho = 128;

/// Text given by a client becomes part of a line: its line ends become spaces.
void AppendOnOneLine(std::string& out, std::string_view text) {
  for (const char c : text) out.push_back(c == '\r' || c == '\n' ? ' ' : c);
}

}  // namespace

Error Error::Owned(std::string_view text) {
  const size_t size = std::min<size_t>(text.size(), UINT32_MAX);
  char* copy = new char[size + 1];
  if (size != 0) std::memcpy(copy, text.data(), size);
  return Error(copy, static_cast<uint32_t>(size), true);
}

void Error::CopyFrom(const Error& other) {
  char* copy = new char[other.size_ + size_t{1}];
  if (other.size_ != 0) std::memcpy(copy, other.data_, other.size_);
  data_ = copy;
  size_ = other.size_;
  owned_ = true;
}

Error& Error::operator=(const Error& other) {
  if (this != &other) {
    Error copy(other);
    *this = std::move(copy);
  }
  return *this;
}

Error& Error::operator=(Error&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(owned_, other.owned_);
  return *this;
}

namespace errors {

Error InvalidExpire(std::string_view command) {
  std::string text = "ERR invalid expire time in '";
  AppendOnOneLine(text, command.substr(0, kMaxEcho));
  text += "' command";
  return Error::Owned(text);
}

Error WrongArity(std::string_view command) {
  std::string text = "ERR wrong number of arguments for '";
  AppendOnOneLine(text, command.substr(0, kMaxEcho));
  text += "' command";
  return Error::Owned(text);
}

Error UnknownCommand(const std::string_view* args, size_t argc) {
  std::string text = "ERR unknown command '";
  if (argc > 0) AppendOnOneLine(text, args[0].substr(0, kMaxEcho));
  text += "', with args beginning with: ";
  const size_t start = text.size();
  for (size_t i = 1; i < argc && text.size() - start < kMaxEcho; ++i) {
    const size_t room = kMaxEcho - (text.size() - start);
    text += '\'';
    AppendOnOneLine(text, args[i].substr(0, room));
    text += "' ";
  }
  return Error::Owned(text);
}

Error UnknownSubcommand(std::string_view command, std::string_view subcommand) {
  std::string text = "ERR unknown subcommand '";
  AppendOnOneLine(text, subcommand.substr(0, kMaxEcho));
  text += "'. Try ";
  text += UpperCase(command);
  text += " HELP.";
  return Error::Owned(text);
}

}  // namespace errors
}  // namespace peal::protocol
