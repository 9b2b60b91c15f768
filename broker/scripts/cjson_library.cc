// cjson: JSON. Source: RFC 8259, and the manual of Lua CJSON 2.1 with the texts and limits of
// redis-server 7.0.15.
#include <strings.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "broker/scripts/cjson.h"
#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

/// The settings of the table that the running function belongs to: cjson's or that of cjson.new.
CjsonSettings& Settings(lua_State* lua) {
  auto* const own = static_cast<CjsonSettings*>(lua_touserdata(lua, lua_upvalueindex(1)));
  return own != nullptr ? *own : LuaEngine::Of(lua).cjson();
}

// ---------------------------------------------------------------- encode

class Encoder {
 public:
  Encoder(lua_State* lua, const CjsonSettings& settings)
      : lua_(lua), engine_(LuaEngine::Of(lua)), settings_(settings) {}

  const std::string& text() const { return text_; }

  /// Appends the value on top, which stays.
  void Append(int depth) {
    engine_.Charge(lua_, 16);
    if (text_.size() > engine_.memory_limit()) luaL_error(lua_, "not enough memory");
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        return String();
      case LUA_TNUMBER:
        return Number();
      case LUA_TBOOLEAN:
        text_ += lua_toboolean(lua_, -1) != 0 ? "true" : "false";
        return;
      case LUA_TTABLE:
        return Table(depth + 1);
      case LUA_TNIL:
        text_ += "null";
        return;
      case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(lua_, -1) == nullptr) {
          text_ += "null";
          return;
        }
        [[fallthrough]];
      default:
        Refuse("type not supported");
    }
  }

 private:
  void Refuse(const char* reason) {
    luaL_error(lua_, "Cannot serialise %s: %s", luaL_typename(lua_, -1), reason);
  }

  void String() {
    size_t size = 0;
    const char* const data = lua_tolstring(lua_, -1, &size);
    engine_.Charge(lua_, size * 2);
    text_ += '"';
    for (size_t i = 0; i < size; ++i) {
      const char c = data[i];
      switch (c) {
        case '"':
          text_ += "\\\"";
          break;
        case '\\':
          text_ += "\\\\";
          break;
        case '/':
          text_ += "\\/";
          break;
        case '\b':
          text_ += "\\b";
          break;
        case '\t':
          text_ += "\\t";
          break;
        case '\n':
          text_ += "\\n";
          break;
        case '\f':
          text_ += "\\f";
          break;
        case '\r':
          text_ += "\\r";
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
            text_ += escape;
          } else {
            text_ += c;
          }
      }
    }
    text_ += '"';
  }

  void Number() {
    const lua_Number number = lua_tonumber(lua_, -1);
    if (std::isinf(number) || std::isnan(number)) {
      if (settings_.encode_invalid_numbers == 0) Refuse("must not be NaN or Inf");
      if (settings_.encode_invalid_numbers == 2) {
        text_ += "null";
        return;
      }
      if (std::isnan(number)) {
        text_ += "nan";
        return;
      }
    }
    char digits[64];
    std::snprintf(digits, sizeof digits, "%.*g", settings_.number_precision, number);
    text_ += digits;
  }

  /// The length of the array on top, or -1 if it is none.
  int ArrayLength() {
    lua_Number highest = 0;
    int count = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      engine_.Charge(lua_, 8);
      const lua_Number key = lua_type(lua_, -2) == LUA_TNUMBER ? lua_tonumber(lua_, -2) : 0;
      if (!(key >= 1) || std::floor(key) != key) {
        lua_pop(lua_, 2);
        return -1;
      }
      highest = std::max(highest, key);
      ++count;
      lua_pop(lua_, 1);
    }
    if (settings_.sparse_ratio > 0 &&
        highest > static_cast<lua_Number>(count) * settings_.sparse_ratio &&
        highest > settings_.sparse_safe) {
      if (!settings_.sparse_convert) Refuse("excessively sparse array");
      return -1;
    }
    return highest > INT32_MAX ? -1 : static_cast<int>(highest);
  }

  void Table(int depth) {
    if (depth > settings_.encode_max_depth || lua_checkstack(lua_, 6) == 0) {
      luaL_error(lua_, "Cannot serialise, excessive nesting (%d)", depth);
    }
    const int length = ArrayLength();
    if (length > 0) {
      text_ += '[';
      for (int i = 1; i <= length; ++i) {
        if (i > 1) text_ += ',';
        lua_rawgeti(lua_, -1, i);
        Append(depth);
        lua_pop(lua_, 1);
      }
      text_ += ']';
      return;
    }
    text_ += '{';
    bool is_first = true;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      if (!is_first) text_ += ',';
      is_first = false;
      lua_pushvalue(lua_, -2);
      if (lua_type(lua_, -1) == LUA_TNUMBER) {
        text_ += '"';
        Number();
        text_ += "\":";
      } else if (lua_type(lua_, -1) == LUA_TSTRING) {
        String();
        text_ += ':';
      } else {
        Refuse("table key must be a number or string");
      }
      lua_pop(lua_, 1);
      Append(depth);
      lua_pop(lua_, 1);
    }
    text_ += '}';
  }

  lua_State* lua_;
  LuaEngine& engine_;
  const CjsonSettings& settings_;
  std::string text_;
};

int Encode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  Encoder encoder(lua, Settings(lua));
  encoder.Append(0);
  lua_pushlstring(lua, encoder.text().data(), encoder.text().size());
  return 1;
}

// ---------------------------------------------------------------- decode

enum class Token : uint8_t {
  kObjectBegin,
  kObjectEnd,
  kArrayBegin,
  kArrayEnd,
  kString,
  kNumber,
  kBoolean,
  kNull,
  kColon,
  kComma,
  kEnd,
  kError,
};

constexpr const char* kTokenNames[] = {"T_OBJ_BEGIN", "T_OBJ_END", "T_ARR_BEGIN", "T_ARR_END",
                                       "T_STRING",    "T_NUMBER",  "T_BOOLEAN",   "T_NULL",
                                       "T_COLON",     "T_COMMA",   "T_END",       "T_ERROR"};

/// Reads hostile text that ends with a NUL (as strings of Lua do).
class Decoder {
 public:
  Decoder(lua_State* lua, std::string_view text, const CjsonSettings& settings)
      : lua_(lua),
        engine_(LuaEngine::Of(lua)),
        settings_(settings),
        begin_(text.data()),
        at_(text.data()) {}

  void PushDocument() {
    Next();
    PushValue();
    Next();
    if (token_ != Token::kEnd) Refuse("the end");
  }

 private:
  void Refuse(const char* expected) {
    luaL_error(lua_, "Expected %s but found %s at character %d", expected,
               token_ == Token::kError ? error_ : kTokenNames[static_cast<size_t>(token_)],
               static_cast<int>(index_ + 1));
  }

  void Fail(const char* error) {
    token_ = Token::kError;
    error_ = error;
    index_ = at_ - begin_;
  }

  void Take(Token token, size_t size = 1) {
    token_ = token;
    at_ += size;
  }

  void Next() {
    engine_.Charge(lua_, 8);
    while (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r') {
      ++at_;
      engine_.Charge(lua_, 1);
    }
    index_ = at_ - begin_;
    switch (*at_) {
      case '{':
        return Take(Token::kObjectBegin);
      case '}':
        return Take(Token::kObjectEnd);
      case '[':
        return Take(Token::kArrayBegin);
      case ']':
        return Take(Token::kArrayEnd);
      case ':':
        return Take(Token::kColon);
      case ',':
        return Take(Token::kComma);
      case '\0':
        return Take(Token::kEnd, 0);
      case '"':
        return NextString();
      default:
        break;
    }
    if (*at_ == '-' || (*at_ >= '0' && *at_ <= '9')) {
      if (!settings_.decode_invalid_numbers && IsOddNumber()) return Fail("invalid number");
      return NextNumber();
    }
    if (std::strncmp(at_, "true", 4) == 0) {
      boolean_ = true;
      return Take(Token::kBoolean, 4);
    }
    if (std::strncmp(at_, "false", 5) == 0) {
      boolean_ = false;
      return Take(Token::kBoolean, 5);
    }
    if (std::strncmp(at_, "null", 4) == 0) return Take(Token::kNull, 4);
    if (settings_.decode_invalid_numbers && std::strchr("iInN+", *at_) != nullptr &&
        IsOddNumber()) {
      return NextNumber();
    }
    Fail("invalid token");
  }

  /// Numbers that strtod reads and JSON does not know.
  bool IsOddNumber() const {
    const char* p = at_;
    if (*p == '+') return true;
    if (*p == '-') ++p;
    if (*p == '0') return (p[1] | 0x20) == 'x' || (p[1] >= '0' && p[1] <= '9');
    if (*p <= '9') return false;
    return strncasecmp(p, "inf", 3) == 0 || strncasecmp(p, "nan", 3) == 0;
  }

  void NextNumber() {
    char* end = nullptr;
    number_ = std::strtod(at_, &end);
    if (end == at_) return Fail("invalid number");
    engine_.Charge(lua_, static_cast<size_t>(end - at_) * 4);
    token_ = Token::kNumber;
    at_ = end;
  }

  static int HexDigit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  }

  /// Four hex digits at `p`, or -1.
  static int CodeUnit(const char* p) {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = HexDigit(p[i]);
      if (digit < 0) return -1;
      value = value * 16 + digit;
    }
    return value;
  }

  void AppendCode(int code) {
    const auto add = [this](int byte) { string_ += static_cast<char>(byte); };
    if (code < 0x80) {
      add(code);
    } else if (code < 0x800) {
      add(0xc0 | (code >> 6));
      add(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      add(0xe0 | (code >> 12));
      add(0x80 | ((code >> 6) & 0x3f));
      add(0x80 | (code & 0x3f));
    } else {
      add(0xf0 | (code >> 18));
      add(0x80 | ((code >> 12) & 0x3f));
      add(0x80 | ((code >> 6) & 0x3f));
      add(0x80 | (code & 0x3f));
    }
  }

  /// At "\u"; false if it is none.
  bool TakeUnicode() {
    const int first = CodeUnit(at_ + 2);
    if (first < 0) return false;
    int code = first;
    size_t size = 6;
    if ((first & 0xf800) == 0xd800) {
      if ((first & 0x400) != 0 || at_[6] != '\\' || at_[7] != 'u') return false;
      const int second = CodeUnit(at_ + 8);
      if (second < 0 || (second & 0xfc00) != 0xdc00) return false;
      code = 0x10000 + (((first & 0x3ff) << 10) | (second & 0x3ff));
      size = 12;
    }
    AppendCode(code);
    at_ += size;
    return true;
  }

  void NextString() {
    string_.clear();
    ++at_;
    for (;;) {
      engine_.Charge(lua_, 1);
      const char c = *at_;
      if (c == '"') break;
      if (c == '\0') return Fail("unexpected end of string");
      if (c != '\\') {
        string_ += c;
        ++at_;
        continue;
      }
      char plain = 0;
      switch (at_[1]) {
        case '"':
        case '\\':
        case '/':
          plain = at_[1];
          break;
        case 'b':
          plain = '\b';
          break;
        case 't':
          plain = '\t';
          break;
        case 'n':
          plain = '\n';
          break;
        case 'f':
          plain = '\f';
          break;
        case 'r':
          plain = '\r';
          break;
        case 'u':
          if (!TakeUnicode()) return Fail("invalid unicode escape code");
          continue;
        default:
          return Fail("invalid escape code");
      }
      string_ += plain;
      at_ += 2;
    }
    ++at_;
    token_ = Token::kString;
  }

  void Descend() {
    ++depth_;
    if (depth_ <= settings_.decode_max_depth && lua_checkstack(lua_, 6) != 0) return;
    luaL_error(lua_, "Found too many nested data structures (%d) at character %d", depth_,
               static_cast<int>(at_ - begin_));
  }

  void PushValue() {
    switch (token_) {
      case Token::kString:
        lua_pushlstring(lua_, string_.data(), string_.size());
        return;
      case Token::kNumber:
        return lua_pushnumber(lua_, number_);
      case Token::kBoolean:
        return lua_pushboolean(lua_, boolean_ ? 1 : 0);
      case Token::kNull:
        return lua_pushlightuserdata(lua_, nullptr);
      case Token::kObjectBegin:
        return PushObject();
      case Token::kArrayBegin:
        return PushArray();
      default:
        Refuse("value");
    }
  }

  void PushObject() {
    Descend();
    lua_newtable(lua_);
    Next();
    if (token_ != Token::kObjectEnd) {
      for (;;) {
        if (token_ != Token::kString) Refuse("object key string");
        lua_pushlstring(lua_, string_.data(), string_.size());
        Next();
        if (token_ != Token::kColon) Refuse("colon");
        Next();
        PushValue();
        lua_rawset(lua_, -3);
        Next();
        if (token_ == Token::kObjectEnd) break;
        if (token_ != Token::kComma) Refuse("comma or object end");
        Next();
      }
    }
    --depth_;
  }

  void PushArray() {
    Descend();
    lua_newtable(lua_);
    Next();
    if (token_ != Token::kArrayEnd) {
      for (int i = 1;; ++i) {
        PushValue();
        lua_rawseti(lua_, -2, i);
        Next();
        if (token_ == Token::kArrayEnd) break;
        if (token_ != Token::kComma) Refuse("comma or array end");
        Next();
      }
    }
    --depth_;
  }

  lua_State* lua_;
  LuaEngine& engine_;
  const CjsonSettings& settings_;
  const char* begin_;
  const char* at_;
  ptrdiff_t index_ = 0;  // of the token
  Token token_ = Token::kEnd;
  const char* error_ = nullptr;
  std::string string_;
  lua_Number number_ = 0;
  bool boolean_ = false;
  int depth_ = 0;
};

int Decode(lua_State* lua) {
  luaL_argcheck(lua, lua_gettop(lua) == 1, 1, "expected 1 argument");
  size_t size = 0;
  const char* const data = luaL_checklstring(lua, 1, &size);
  if (size >= 2 && (data[0] == '\0' || data[1] == '\0')) {
    return luaL_error(lua, "JSON parser does not support UTF-16 or UTF-32");
  }
  Decoder(lua, {data, size}, Settings(lua)).PushDocument();
  return 1;
}

// ---------------------------------------------------------------- settings

void TakeArguments(lua_State* lua, int most) {
  luaL_argcheck(lua, lua_gettop(lua) <= most, most + 1, "found too many arguments");
  lua_settop(lua, most);
}

int Integer(lua_State* lua, int index, int& setting, int least, int most) {
  if (!lua_isnil(lua, index)) {
    const lua_Integer value = luaL_checkinteger(lua, index);
    luaL_argcheck(lua, least <= value && value <= most, 1,
                  lua_pushfstring(lua, "expected integer between %d and %d", least, most));
    setting = static_cast<int>(value);
  }
  lua_pushinteger(lua, setting);
  return 1;
}

/// Off, on or one of `names` beyond; booleans come back as booleans.
int Choice(lua_State* lua, int index, int& setting, const char* const* names) {
  if (!lua_isnil(lua, index)) {
    if (lua_isboolean(lua, index)) {
      setting = lua_toboolean(lua, index);
    } else {
      setting = luaL_checkoption(lua, index, nullptr, names);
    }
  }
  if (setting <= 1) {
    lua_pushboolean(lua, setting);
  } else {
    lua_pushstring(lua, names[setting]);
  }
  return 1;
}

constexpr const char* kSwitch[] = {"off", "on", nullptr};
constexpr const char* kSwitchOrNull[] = {"off", "on", "null", nullptr};

int Switch(lua_State* lua, int index, bool& setting) {
  int value = setting ? 1 : 0;
  const int pushed = Choice(lua, index, value, kSwitch);
  setting = value != 0;
  return pushed;
}

int SparseArray(lua_State* lua) {
  TakeArguments(lua, 3);
  CjsonSettings& settings = Settings(lua);
  Switch(lua, 1, settings.sparse_convert);
  Integer(lua, 2, settings.sparse_ratio, 0, INT32_MAX);
  Integer(lua, 3, settings.sparse_safe, 0, INT32_MAX);
  return 3;
}
int EncodeMaxDepth(lua_State* lua) {
  TakeArguments(lua, 1);
  return Integer(lua, 1, Settings(lua).encode_max_depth, 1, INT32_MAX);
}
int DecodeMaxDepth(lua_State* lua) {
  TakeArguments(lua, 1);
  return Integer(lua, 1, Settings(lua).decode_max_depth, 1, INT32_MAX);
}
int NumberPrecision(lua_State* lua) {
  TakeArguments(lua, 1);
  return Integer(lua, 1, Settings(lua).number_precision, 1, 14);
}
int KeepBuffer(lua_State* lua) {
  TakeArguments(lua, 1);
  return Switch(lua, 1, Settings(lua).keep_buffer);
}
int EncodeInvalidNumbers(lua_State* lua) {
  TakeArguments(lua, 1);
  return Choice(lua, 1, Settings(lua).encode_invalid_numbers, kSwitchOrNull);
}
int DecodeInvalidNumbers(lua_State* lua) {
  TakeArguments(lua, 1);
  return Switch(lua, 1, Settings(lua).decode_invalid_numbers);
}

void AddFunctions(lua_State* lua, bool has_own_settings);

int New(lua_State* lua) {
  lua_newtable(lua);
  AddFunctions(lua, true);
  return 1;
}

void AddFunctions(lua_State* lua, bool has_own_settings) {
  constexpr luaL_Reg kFunctions[] = {{"encode", Encode},
                                     {"decode", Decode},
                                     {"encode_sparse_array", SparseArray},
                                     {"encode_max_depth", EncodeMaxDepth},
                                     {"decode_max_depth", DecodeMaxDepth},
                                     {"encode_number_precision", NumberPrecision},
                                     {"encode_keep_buffer", KeepBuffer},
                                     {"encode_invalid_numbers", EncodeInvalidNumbers},
                                     {"decode_invalid_numbers", DecodeInvalidNumbers},
                                     {"new", New}};
  if (has_own_settings) {
    *static_cast<CjsonSettings*>(lua_newuserdata(lua, sizeof(CjsonSettings))) = CjsonSettings();
  } else {
    lua_pushnil(lua);
  }
  for (const luaL_Reg& each : kFunctions) {
    lua_pushvalue(lua, -1);
    lua_pushcclosure(lua, each.func, 1);
    lua_setfield(lua, -3, each.name);
  }
  lua_pop(lua, 1);
  lua_pushlightuserdata(lua, nullptr);
  lua_setfield(lua, -2, "null");
  lua_pushliteral(lua, "cjson");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "2.1.0");
  lua_setfield(lua, -2, "_VERSION");
}

}  // namespace

void AddCjsonLibrary(lua_State* lua) { AddFunctions(lua, false); }

}  // namespace peal::broker
