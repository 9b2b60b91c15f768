// The one place through which the JSON library enters.
#include "broker/auth/json.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::Result;

/// Takes the events of the parser: nothing is built but what the caller asks for, and a false stops
/// the reading. The library keeps one bit for each open level.
class Reader {
 public:
  JsonObject TakeObject() { return std::move(object_); }
  const char* fault() const { return fault_; }

  // What nlohmann::json::sax_parse calls; the names are its own.
  // NOLINTBEGIN(readability-identifier-naming)
  bool null() { return Put({}); }
  bool boolean(bool /*value*/) { return Put({}); }
  bool number_integer(int64_t value) { return Number(static_cast<double>(value)); }
  bool number_unsigned(uint64_t value) { return Number(static_cast<double>(value)); }
  bool number_float(double value, const std::string& /*text*/) { return Number(value); }
  bool string(std::string& value) {
    if (depth_ == 2 && is_list_) {
      object_[name_].strings.push_back(std::move(value));
      return true;
    }
    JsonValue member;
    member.kind = JsonValue::Kind::kString;
    member.text = std::move(value);
    return Put(std::move(member));
  }
  bool binary(std::vector<uint8_t>& /*value*/) { return Fail("it has binary data"); }
  bool start_object(size_t /*count*/) {
    if (depth_ > 0 && !Put({})) return false;
    return Open();
  }
  bool key(std::string& name) {
    if (depth_ != 1) return true;
    name_ = std::move(name);
    return object_.emplace(name_, JsonValue()).second || Fail("a name comes twice");
  }
  bool end_object() {
    --depth_;
    return true;
  }
  bool start_array(size_t /*count*/) {
    if (depth_ == 0) return Fail("it is no object");
    const bool begins_list = depth_ == 1;
    JsonValue member;
    if (begins_list) member.kind = JsonValue::Kind::kStrings;
    if (!Put(std::move(member))) return false;
    is_list_ = begins_list;
    return Open();
  }
  bool end_array() {
    --depth_;
    return true;
  }
  bool parse_error(size_t /*position*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) {
    return Fail("it is no JSON");
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  static constexpr int kMostLevels = 8;

  bool Fail(const char* fault) {
    if (fault_ == nullptr) fault_ = fault;
    return false;
  }
  bool Open() { return ++depth_ <= kMostLevels || Fail("it is nested too deeply"); }
  bool Number(double value) {
    JsonValue member;
    member.kind = JsonValue::Kind::kNumber;
    member.number = value;
    return Put(std::move(member));
  }
  /// A value of the object itself; one further down only spoils a list of strings.
  bool Put(JsonValue value) {
    if (depth_ == 0) return Fail("it is no object");
    if (depth_ == 1) {
      is_list_ = false;
      object_[name_] = std::move(value);
    } else if (is_list_) {
      object_[name_] = JsonValue();
      is_list_ = false;
    }
    return true;
  }

  JsonObject object_;
  std::string name_;      // of the member being read
  int depth_ = 0;         // open objects and arrays
  bool is_list_ = false;  // the member is an array of strings so far
  const char* fault_ = nullptr;
};

}  // namespace

Result<JsonObject> ParseJsonObject(std::string_view text) {
  Reader reader;
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader)) {
    return Error::Static(reader.fault() != nullptr ? reader.fault() : "it is no JSON");
  }
  return reader.TakeObject();
}

}  // namespace peal::broker
