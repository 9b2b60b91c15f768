#include "protocol/resp/reply_parser.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <optional>
#include <utility>

#include "protocol/base/number.h"

namespace peal::protocol {
namespace {

/// Items for which room is made before they arrive; more is taken only as they do.
constexpr uint64_t kItemsAhead = 16;

/// "inf", "-inf" and "nan" are spelled in lower case on the wire; servers send "nan" unsigned.
std::optional<double> ReadDouble(std::string_view text) {
  if (text == "nan" || text == "-nan") return std::nan("");
  return ParseDouble(text);
}

bool IsBigNumber(std::string_view text) {
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void AppendQuoted(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (octet >= 0x20 && octet < 0x7f) {
      out += c;
    } else {
      out += "\\x";
      out += kHex[octet >> 4];
      out += kHex[octet & 15];
    }
  }
  out += '"';
}

void AppendText(std::string& out, const Value& value);

/// Items one after another; pairs are joined by ": ".
void AppendItems(std::string& out, const std::vector<Value>& items, bool are_pairs) {
  for (size_t i = 0; i < items.size(); ++i) {
    if (i != 0) out += are_pairs && i % 2 == 1 ? ": " : ", ";
    AppendText(out, items[i]);
  }
}

void AppendText(std::string& out, const Value& value) {
  if (!value.attributes.empty()) {
    out += '|';
    AppendItems(out, value.attributes, true);
    out += "| ";
  }
  switch (value.type) {
    case Value::Type::kNull:
      out += "null";
      break;
    case Value::Type::kSimple:
    case Value::Type::kBulk:
    case Value::Type::kVerbatim:
      AppendQuoted(out, value.text);
      break;
    case Value::Type::kError:
    case Value::Type::kBlobError:
      out += "error ";
      AppendQuoted(out, value.text);
      break;
    case Value::Type::kInteger: {
      char digits[kMaxIntChars];
      out.append(digits, FormatInt(digits, value.integer));
      break;
    }
    case Value::Type::kBigNumber:
      out += value.text;
      break;
    case Value::Type::kDouble: {
      char digits[kMaxDoubleChars];
      out.append(digits, FormatDouble(digits, value.number));
      break;
    }
    case Value::Type::kBoolean:
      out += value.integer != 0 ? "true" : "false";
      break;
    case Value::Type::kArray:
    case Value::Type::kPush:
      out += value.type == Value::Type::kPush ? "push [" : "[";
      AppendItems(out, value.items, false);
      out += ']';
      break;
    case Value::Type::kSet:
      out += "set {";
      AppendItems(out, value.items, false);
      out += '}';
      break;
    case Value::Type::kMap:
    case Value::Type::kAttribute:
      out += '{';
      AppendItems(out, value.items, true);
      out += '}';
      break;
  }
}

}  // namespace

bool operator==(const Value& a, const Value& b) {
  // By bits, so that a parsed nan equals itself; nothing computes with these numbers.
  return a.type == b.type && a.integer == b.integer &&
         std::bit_cast<uint64_t>(a.number) == std::bit_cast<uint64_t>(b.number) &&
         a.text == b.text && a.format == b.format && a.items == b.items &&
         a.attributes == b.attributes;
}

std::string ToText(const Value& value) {
  std::string out;
  AppendText(out, value);
  return out;
}

ParseStatus ReplyParser::Fail(std::string_view why) {
  error_ = why;
  return ParseStatus::kProtocolError;
}

ParseStatus ReplyParser::Next(std::string_view input) {
  consumed_ = 0;
  if (!error_.empty()) return ParseStatus::kProtocolError;
  for (;;) {
    Value value;
    bool is_value = false;
    const ParseStatus status = TakeElement(input.substr(consumed_), is_value, value);
    if (status != ParseStatus::kRequest) return status;
    while (is_value) {
      if (frames_.empty()) {
        value_ = std::move(value);
        return ParseStatus::kRequest;
      }
      Frame& frame = frames_.back();
      frame.value.items.push_back(std::move(value));
      if (--frame.missing != 0) break;
      value = std::move(frame.value);
      frames_.pop_back();
      if (value.type != Value::Type::kAttribute) continue;
      // Not a value: it waits for the one it describes, behind those that stood before it.
      attributes_ = std::move(value.attributes);
      attributes_.insert(attributes_.end(), std::make_move_iterator(value.items.begin()),
                         std::make_move_iterator(value.items.end()));
      if (attributes_.size() > limits_.max_items) return Fail("too many attributes");
      is_value = false;
    }
  }
}

ParseStatus ReplyParser::OpenAggregate(Value::Type type, uint64_t items, bool& is_value,
                                       Value& value) {
  const bool has_pairs = type == Value::Type::kMap || type == Value::Type::kAttribute;
  if (items > limits_.max_items / (has_pairs ? 2 : 1)) return Fail("too many items");
  if (frames_.size() >= limits_.max_depth) return Fail("nested too deeply");
  if (has_pairs) items *= 2;
  if (items == 0) {
    is_value = type != Value::Type::kAttribute;
    if (is_value) {
      value.type = type;
      value.attributes = std::exchange(attributes_, {});
    }
    return ParseStatus::kRequest;
  }
  Frame frame{.value = {}, .missing = items};
  frame.value.type = type;
  frame.value.attributes = std::exchange(attributes_, {});
  frame.value.items.reserve(static_cast<size_t>(std::min(items, kItemsAhead)));
  frames_.push_back(std::move(frame));
  return ParseStatus::kRequest;
}

ParseStatus ReplyParser::TakeBulk(std::string_view input, bool& is_value, Value& value) {
  if (input.size() < bulk_bytes_ + 2) return ParseStatus::kNeedMore;
  const auto size = static_cast<size_t>(bulk_bytes_);
  if (input[size] != '\r' || input[size + 1] != '\n') return Fail("no line end behind a bulk");
  std::string_view text = input.substr(0, size);
  value.type = bulk_type_;
  if (bulk_type_ == Value::Type::kVerbatim) {
    if (text.size() < 4 || text[3] != ':') return Fail("a verbatim text without its format");
    value.format = text.substr(0, 3);
    text.remove_prefix(4);
  }
  value.text = text;
  value.attributes = std::exchange(attributes_, {});
  consumed_ += size + 2;
  in_bulk_ = false;
  is_value = true;
  return ParseStatus::kRequest;
}

ParseStatus ReplyParser::TakeElement(std::string_view input, bool& is_value, Value& value) {
  if (in_bulk_) return TakeBulk(input, is_value, value);
  const size_t end = input.find('\r', scanned_);
  if (std::min(end, input.size()) > limits_.max_line_bytes) return Fail("a line is too long");
  if (end == std::string_view::npos || end + 1 == input.size()) {
    scanned_ = std::min(end, input.size());
    return ParseStatus::kNeedMore;
  }
  if (input[end + 1] != '\n') return Fail("CR without LF");
  if (end == 0) return Fail("an empty line");
  scanned_ = 0;
  consumed_ += end + 2;
  const std::string_view text = input.substr(1, end - 1);
  switch (input[0]) {
    case '$':
      return TakeLength(Value::Type::kBulk, text, is_value, value);
    case '=':
      return TakeLength(Value::Type::kVerbatim, text, is_value, value);
    case '!':
      return TakeLength(Value::Type::kBlobError, text, is_value, value);
    case '*':
      return TakeLength(Value::Type::kArray, text, is_value, value);
    case '%':
      return TakeLength(Value::Type::kMap, text, is_value, value);
    case '~':
      return TakeLength(Value::Type::kSet, text, is_value, value);
    case '>':
      return TakeLength(Value::Type::kPush, text, is_value, value);
    case '|':
      return TakeLength(Value::Type::kAttribute, text, is_value, value);
    default:
      break;
  }
  if (!ReadScalar(input[0], text, value)) return Fail("a line that is no reply");
  value.attributes = std::exchange(attributes_, {});
  is_value = true;
  return ParseStatus::kRequest;
}

ParseStatus ReplyParser::TakeLength(Value::Type type, std::string_view text, bool& is_value,
                                    Value& value) {
  if (text == "-1" && (type == Value::Type::kBulk || type == Value::Type::kArray)) {
    value.attributes = std::exchange(attributes_, {});
    is_value = true;  // null, as RESP2 spells it
    return ParseStatus::kRequest;
  }
  const std::optional<uint64_t> length = ParseUint64(text);
  if (!length) return Fail("a length that is no number");
  const bool is_bulk = type == Value::Type::kBulk || type == Value::Type::kVerbatim ||
                       type == Value::Type::kBlobError;
  if (!is_bulk) return OpenAggregate(type, *length, is_value, value);
  if (*length > limits_.max_bulk_bytes) return Fail("a bulk is too long");
  bulk_bytes_ = *length;
  bulk_type_ = type;
  in_bulk_ = true;
  return ParseStatus::kRequest;
}

bool ReplyParser::ReadScalar(char type, std::string_view text, Value& value) {
  switch (type) {
    case '+':
      value.type = Value::Type::kSimple;
      value.text = text;
      return true;
    case '-':
      value.type = Value::Type::kError;
      value.text = text;
      return true;
    case ':': {
      const auto number = ParseInt64(text);
      value.type = Value::Type::kInteger;
      value.integer = number.value_or(0);
      return number.has_value();
    }
    case ',': {
      const auto number = ReadDouble(text);
      value.type = Value::Type::kDouble;
      value.number = number.value_or(0);
      return number.has_value();
    }
    case '#':
      value.type = Value::Type::kBoolean;
      value.integer = text == "t" ? 1 : 0;
      return text == "t" || text == "f";
    case '(':
      value.type = Value::Type::kBigNumber;
      value.text = text;
      return IsBigNumber(text);
    case '_':
      return text.empty();
    default:
      return false;
  }
}

}  // namespace peal::protocol
