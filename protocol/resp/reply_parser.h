#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/resp/parser.h"

namespace peal::protocol {

/// One reply as a tree, RESP2 or RESP3.
struct Value {
  enum class Type : uint8_t {
    kNull,       // "$-1", "*-1", "_"
    kSimple,     // text
    kError,      // text without '-'
    kBlobError,  // text
    kInteger,    // integer
    kBulk,       // text
    kVerbatim,   // text without its format; format holds "txt"
    kBigNumber,  // text: the digits
    kDouble,     // number
    kBoolean,    // integer is 0 or 1
    kArray,      // items
    kSet,        // items
    kPush,       // items
    kMap,        // items: key, value, key, value, …
    kAttribute,  // never seen by itself: see attributes
  };

  Type type = Type::kNull;
  std::string text;
  std::string format;
  int64_t integer = 0;
  double number = 0;
  std::vector<Value> items;
  std::vector<Value> attributes;  // key, value, … that stood before this value

  bool is_null() const { return type == Type::kNull; }
  bool is_error() const { return type == Type::kError || type == Type::kBlobError; }

  friend bool operator==(const Value& a, const Value& b);
};

/// One line for people: `["message", "news", 3]`. Octets outside printable ASCII become \xHH.
std::string ToText(const Value& value);

/// What one reply may be at most. The sender may be hostile here too.
struct ReplyLimits {
  uint64_t max_bulk_bytes = uint64_t{512} << 20;
  uint64_t max_items = uint64_t{1} << 24;  // of one aggregate
  size_t max_line_bytes = 65'536;
  size_t max_depth = 64;
};

/// Cuts the octets of a server into replies. Resumable: complete elements are taken over at once,
/// so what the caller keeps is at most one unfinished line or bulk. One thread.
class ReplyParser {
 public:
  explicit ReplyParser(ReplyLimits limits = {}) : limits_(limits) {}

  /// Parses from the front of `input`. kRequest: value() holds one reply. kNeedMore: give what lies
  /// behind consumed(), with more octets appended. kProtocolError: the stream is unusable, see
  /// error().
  ParseStatus Next(std::string_view input);

  /// After kRequest. May be moved from.
  Value& value() { return value_; }

  /// Octets of the last input that are done with, whatever the status.
  size_t consumed() const { return consumed_; }

  /// After kProtocolError: why, for a log.
  std::string_view error() const { return error_; }

 private:
  struct Frame {
    Value value;
    uint64_t missing;  // items still to come
  };

  ParseStatus Fail(std::string_view why);
  ParseStatus TakeElement(std::string_view input, bool& is_value, Value& value);
  ParseStatus TakeBulk(std::string_view input, bool& is_value, Value& value);
  ParseStatus TakeLength(Value::Type type, std::string_view text, bool& is_value, Value& value);
  ParseStatus OpenAggregate(Value::Type type, uint64_t items, bool& is_value, Value& value);
  static bool ReadScalar(char type, std::string_view text, Value& value);

  ReplyLimits limits_;
  std::vector<Frame> frames_;
  std::vector<Value> attributes_;  // waiting for the value they belong to
  Value value_;
  uint64_t bulk_bytes_ = 0;
  Value::Type bulk_type_ = Value::Type::kBulk;
  bool in_bulk_ = false;
  size_t scanned_ = 0;
  size_t consumed_ = 0;
  std::string_view error_;  // static; empty while all is well
};

}  // namespace peal::protocol
