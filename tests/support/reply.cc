#include "tests/support/reply.h"

#include <charconv>
#include <stdexcept>

namespace peal::tests {
namespace {

constexpr int kMaxDepth = 32;
constexpr size_t kVerbatimPrefix = 4;  // "txt:"

[[noreturn]] void Malformed(std::string_view bytes) {
  throw std::runtime_error("not RESP: " + Escaped(bytes.substr(0, 80)));
}

int64_t ToInteger(std::string_view digits) {
  if (!digits.empty() && digits.front() == '+') digits.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) Malformed(digits);
  return value;
}

size_t ParseAt(std::string_view bytes, Reply* reply, int depth);

/// Decodes `count` values behind a header of `head` octets.
size_t ParseItems(std::string_view bytes, size_t head, int64_t count, Reply* reply, int depth) {
  size_t at = head;
  for (int64_t i = 0; i < count; ++i) {
    Reply* item = nullptr;
    if (reply != nullptr) item = &reply->items.emplace_back();
    const size_t taken = ParseAt(bytes.substr(at), item, depth + 1);
    if (taken == 0) return 0;
    at += taken;
  }
  return at;
}

size_t ParseBulk(std::string_view bytes, size_t head, int64_t length, Reply* reply) {
  if (length < 0) Malformed(bytes);
  const size_t end = head + static_cast<size_t>(length);
  if (bytes.size() < end + 2) return 0;
  if (bytes.substr(end, 2) != "\r\n") Malformed(bytes);
  if (reply != nullptr) reply->text.assign(bytes.substr(head, end - head));
  return end + 2;
}

size_t ParseAt(std::string_view bytes, Reply* reply, int depth) {
  if (depth > kMaxDepth) Malformed(bytes);
  const size_t eol = bytes.find("\r\n");
  if (eol == std::string_view::npos) return 0;
  if (eol == 0) Malformed(bytes);
  const std::string_view line = bytes.substr(1, eol - 1);
  const size_t head = eol + 2;
  const auto set = [reply](Reply::Kind kind) {
    if (reply == nullptr) return;
    *reply = Reply{};
    reply->kind = kind;
  };
  const auto set_text = [&](Reply::Kind kind) {
    set(kind);
    if (reply != nullptr) reply->text = line;
    return head;
  };
  using Kind = Reply::Kind;
  switch (bytes.front()) {
    case '+':
      return set_text(Kind::kSimple);
    case '-':
      return set_text(Kind::kError);
    case ',':
      return set_text(Kind::kDouble);
    case '(':
      return set_text(Kind::kBigNumber);
    case '_':
      set(Kind::kNull);
      return head;
    case ':':
    case '#':
      set(bytes.front() == ':' ? Kind::kInteger : Kind::kBoolean);
      if (reply != nullptr) reply->integer = bytes.front() == ':' ? ToInteger(line) : line == "t";
      return head;
    case '$':
      if (line == "-1") {
        set(Kind::kNull);
        return head;
      }
      set(Kind::kBulk);
      return ParseBulk(bytes, head, ToInteger(line), reply);
    case '!':
      set(Kind::kError);
      return ParseBulk(bytes, head, ToInteger(line), reply);
    case '=': {
      set(Kind::kVerbatim);
      const size_t taken = ParseBulk(bytes, head, ToInteger(line), reply);
      if (taken != 0 && reply != nullptr) reply->text.erase(0, kVerbatimPrefix);
      return taken;
    }
    case '*':
      if (line == "-1") {
        set(Kind::kNull);
        return head;
      }
      set(Kind::kArray);
      return ParseItems(bytes, head, ToInteger(line), reply, depth);
    case '~':
      set(Kind::kSet);
      return ParseItems(bytes, head, ToInteger(line), reply, depth);
    case '>':
      set(Kind::kPush);
      return ParseItems(bytes, head, ToInteger(line), reply, depth);
    case '%':
      set(Kind::kMap);
      return ParseItems(bytes, head, ToInteger(line) * 2, reply, depth);
    case '|': {
      const size_t skipped = ParseItems(bytes, head, ToInteger(line) * 2, nullptr, depth);
      if (skipped == 0) return 0;
      const size_t taken = ParseAt(bytes.substr(skipped), reply, depth + 1);
      return taken == 0 ? 0 : skipped + taken;
    }
    default:
      Malformed(bytes);
  }
}

std::string ShowItems(const Reply& reply, std::string_view open, std::string_view close) {
  std::string out{open};
  const bool is_map = reply.kind == Reply::Kind::kMap;
  for (size_t i = 0; i < reply.items.size(); ++i) {
    if (i != 0) out += is_map && i % 2 == 1 ? ": " : ", ";
    out += reply.items[i].Show();
  }
  return out.append(close);
}

}  // namespace

const std::string& Reply::At(size_t index) const {
  static const std::string none;
  return index < items.size() ? items[index].text : none;
}

const Reply* Reply::Find(std::string_view key) const {
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].text == key) return &items[i + 1];
  }
  return nullptr;
}

std::string Reply::Show() const {
  switch (kind) {
    case Kind::kSimple:
      return Escaped(text);
    case Kind::kError:
      return "-" + Escaped(text);
    case Kind::kInteger:
      return ":" + std::to_string(integer);
    case Kind::kBulk:
      return "'" + Escaped(text) + "'";
    case Kind::kNull:
      return "nil";
    case Kind::kArray:
      return ShowItems(*this, "[", "]");
    case Kind::kMap:
      return ShowItems(*this, "{", "}");
    case Kind::kSet:
      return ShowItems(*this, "~[", "]");
    case Kind::kPush:
      return ShowItems(*this, ">[", "]");
    case Kind::kDouble:
      return "," + text;
    case Kind::kBoolean:
      return integer != 0 ? "#t" : "#f";
    case Kind::kBigNumber:
      return "(" + text;
    case Kind::kVerbatim:
      return "=" + Escaped(text);
  }
  return {};
}

std::ostream& operator<<(std::ostream& out, const Reply& reply) { return out << reply.Show(); }

size_t ParseReply(std::string_view bytes, Reply* reply) {
  if (bytes.empty()) return 0;
  return ParseAt(bytes, reply, 0);
}

std::string EncodeCommand(const std::vector<std::string>& arguments) {
  std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    out += "$" + std::to_string(argument.size()) + "\r\n";
    out += argument;
    out += "\r\n";
  }
  return out;
}

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t space = std::min(line.find(' '), line.size());
    if (space != 0) {
      const std::string_view word = line.substr(0, space);
      words.emplace_back(word == "\"\"" ? std::string_view{} : word);
    }
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

std::string Escaped(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte > 0x7e) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace peal::tests
