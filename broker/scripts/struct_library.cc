// struct: packs values as C structures lay them out. Source: the reference of Roberto
// Ierusalimschy's struct library 0.2, as Redis documents it.
#include <cctype>
#include <climits>
#include <cstdint>
#include <cstring>

#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

constexpr int kLargestInteger = 32;
constexpr int kNaturalAlignment = 8;

/// A format, item by item. It ends at its first NUL.
class Format {
 public:
  Format(lua_State* lua, int index, bool knows_all = true)
      : lua_(lua), at_(luaL_checkstring(lua, index)), knows_all_(knows_all) {}

  /// The next item that is data, with its size; false at the end.
  bool Next() {
    while (*at_ != '\0') {
      option_ = *at_++;
      size_ = SizeOf(option_);
      if (std::isalnum(static_cast<unsigned char>(option_)) != 0 &&
          std::strchr("bBhHlLTiIcsxfd", option_) != nullptr) {
        return true;
      }
      if (!knows_all_ && std::isalnum(static_cast<unsigned char>(option_)) != 0) continue;
      Control();
    }
    return false;
  }

  char option() const { return option_; }
  size_t size() const { return size_; }
  bool is_little() const { return is_little_; }
  /// Padding in front of the item when `offset` bytes have gone before.
  size_t Padding(size_t offset) const {
    size_t size = size_;
    if (size == 0 || option_ == 'c') return 0;
    if (size > alignment_) size = alignment_;
    return (size - (offset & (size - 1))) & (size - 1);
  }

 private:
  size_t Number(int absent) {
    if (std::isdigit(static_cast<unsigned char>(*at_)) == 0) return static_cast<size_t>(absent);
    int64_t value = 0;
    do {
      value = value * 10 + (*at_++ - '0');
      if (value > INT_MAX) luaL_error(lua_, "integral size overflow");
    } while (std::isdigit(static_cast<unsigned char>(*at_)) != 0);
    return static_cast<size_t>(value);
  }

  size_t SizeOf(char option) {
    switch (option) {
      case 'b':
      case 'B':
      case 'x':
        return 1;
      case 'h':
      case 'H':
        return sizeof(short);
      case 'l':
      case 'L':
        return sizeof(long);
      case 'T':
        return sizeof(size_t);
      case 'f':
        return sizeof(float);
      case 'd':
        return sizeof(double);
      case 'c':
        return Number(1);
      case 'i':
      case 'I': {
        const size_t size = Number(sizeof(int));
        if (size > kLargestInteger) {
          luaL_error(lua_, "integral size %d is larger than limit of %d", static_cast<int>(size),
                     kLargestInteger);
        }
        return size;
      }
      default:
        return 0;
    }
  }

  void Control() {
    switch (option_) {
      case ' ':
        return;
      case '>':
        is_little_ = false;
        return;
      case '<':
        is_little_ = true;
        return;
      case '!': {
        const size_t alignment = Number(kNaturalAlignment);
        if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
          luaL_error(lua_, "alignment %d is not a power of 2", static_cast<int>(alignment));
        }
        alignment_ = alignment;
        return;
      }
      default:
        luaL_argerror(lua_, 1, lua_pushfstring(lua_, "invalid format option '%c'", option_));
    }
  }

  lua_State* lua_;
  const char* at_;
  bool knows_all_;  // letters that mean nothing are errors
  size_t alignment_ = 1;
  size_t size_ = 0;
  char option_ = 0;
  bool is_little_ = true;
};

/// As a C cast does on x86, but for every number.
int64_t ToInteger(lua_Number number) {
  if (!(number >= -0x1p63 && number < 0x1p63)) return INT64_MIN;
  return static_cast<int64_t>(number);
}

void AddInteger(luaL_Buffer* out, lua_Number number, bool is_little, size_t size) {
  uint64_t value = 0;
  if (number < 0x1p63) {
    value = static_cast<uint64_t>(ToInteger(number));
  } else if (number < 0x1p64) {
    value = static_cast<uint64_t>(number);
  }
  char bytes[kLargestInteger];
  for (size_t i = 0; i < size; ++i) {
    bytes[is_little ? i : size - 1 - i] = static_cast<char>(value & 0xff);
    value >>= 8;
  }
  luaL_addlstring(out, bytes, size);
}

lua_Number ReadInteger(const char* data, bool is_little, bool is_signed, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value = (value << 8) | static_cast<unsigned char>(data[is_little ? size - 1 - i : i]);
  }
  if (!is_signed) return static_cast<lua_Number>(value);
  const uint64_t sign = ~uint64_t{0} << ((size * 8 - 1) & 63);
  if (size != 0 && (value & sign) != 0) value |= sign;
  return static_cast<lua_Number>(static_cast<int64_t>(value));
}

void Reverse(char* bytes, size_t size) {
  for (size_t i = 0; i < size / 2; ++i) std::swap(bytes[i], bytes[size - 1 - i]);
}

int Pack(lua_State* lua) {
  Format format(lua, 1);
  LuaEngine& engine = LuaEngine::Of(lua);
  int arg = 2;
  size_t total = 0;
  lua_pushnil(lua);  // keeps the buffer apart from the arguments
  luaL_Buffer out;
  luaL_buffinit(lua, &out);
  while (format.Next()) {
    engine.Charge(lua, 16);
    size_t size = format.size();
    const size_t padding = format.Padding(total);
    total += padding;
    for (size_t i = 0; i < padding; ++i) luaL_addchar(&out, '\0');
    switch (format.option()) {
      case 'x':
        luaL_addchar(&out, '\0');
        break;
      case 'f': {
        const auto value = static_cast<float>(luaL_checknumber(lua, arg++));
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        if (!format.is_little()) Reverse(bytes, sizeof bytes);
        luaL_addlstring(&out, bytes, sizeof bytes);
        break;
      }
      case 'd': {
        const double value = luaL_checknumber(lua, arg++);
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        if (!format.is_little()) Reverse(bytes, sizeof bytes);
        luaL_addlstring(&out, bytes, sizeof bytes);
        break;
      }
      case 'c':
      case 's': {
        size_t length = 0;
        const char* const text = luaL_checklstring(lua, arg++, &length);
        if (size == 0) size = length;
        luaL_argcheck(lua, length >= size, arg, "string too short");
        engine.Charge(lua, size);
        luaL_addlstring(&out, text, size);
        if (format.option() == 's') {
          luaL_addchar(&out, '\0');
          ++size;
        }
        break;
      }
      default:
        AddInteger(&out, luaL_checknumber(lua, arg++), format.is_little(), size);
    }
    total += size;
  }
  luaL_pushresult(&out);
  return 1;
}

int Unpack(lua_State* lua) {
  Format format(lua, 1);
  LuaEngine& engine = LuaEngine::Of(lua);
  size_t length = 0;
  const char* const data = luaL_checklstring(lua, 2, &length);
  const lua_Integer first = luaL_optinteger(lua, 3, 1);
  luaL_argcheck(lua, first != 0, 3, "offset must be 1 or greater");
  auto at = static_cast<size_t>(first - 1);
  int count = 0;
  while (format.Next()) {
    engine.Charge(lua, 16);
    size_t size = format.size();
    at += format.Padding(at);
    luaL_argcheck(lua, size <= length && at <= length - size, 2, "data string too short");
    luaL_checkstack(lua, 2, "too many results");
    switch (format.option()) {
      case 'x':
        break;
      case 'f': {
        char bytes[sizeof(float)];
        std::memcpy(bytes, data + at, sizeof bytes);
        if (!format.is_little()) Reverse(bytes, sizeof bytes);
        float value = 0;
        std::memcpy(&value, bytes, sizeof value);
        lua_pushnumber(lua, static_cast<lua_Number>(value));
        ++count;
        break;
      }
      case 'd': {
        char bytes[sizeof(double)];
        std::memcpy(bytes, data + at, sizeof bytes);
        if (!format.is_little()) Reverse(bytes, sizeof bytes);
        double value = 0;
        std::memcpy(&value, bytes, sizeof value);
        lua_pushnumber(lua, value);
        ++count;
        break;
      }
      case 'c':
        if (size == 0) {
          if (count == 0 || lua_isnumber(lua, -1) == 0) {
            luaL_error(lua, "format 'c0' needs a previous size");
          }
          const lua_Number told = lua_tonumber(lua, -1);
          size = told >= 0 && told < 0x1p53 ? static_cast<size_t>(told) : SIZE_MAX;
          lua_pop(lua, 1);
          --count;
          luaL_argcheck(lua, size <= length && at <= length - size, 2, "data string too short");
        }
        engine.Charge(lua, size);
        lua_pushlstring(lua, data + at, size);
        ++count;
        break;
      case 's': {
        const void* const end = std::memchr(data + at, '\0', length - at);
        if (end == nullptr) luaL_error(lua, "unfinished string in data");
        size = static_cast<size_t>(static_cast<const char*>(end) - (data + at)) + 1;
        engine.Charge(lua, size);
        lua_pushlstring(lua, data + at, size - 1);
        ++count;
        break;
      }
      default:
        lua_pushnumber(
            lua, ReadInteger(data + at, format.is_little(),
                             std::islower(static_cast<unsigned char>(format.option())) != 0, size));
        ++count;
    }
    at += size;
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(at + 1));
  return count + 1;
}

int Size(lua_State* lua) {
  Format format(lua, 1, false);
  size_t total = 0;
  while (format.Next()) {
    total += format.Padding(total);
    if (format.option() == 's') luaL_argerror(lua, 1, "option 's' has no fixed size");
    if (format.option() == 'c' && format.size() == 0) {
      luaL_argerror(lua, 1, "option 'c0' has no fixed size");
    }
    total += format.size();
    LuaEngine::Of(lua).Charge(lua, 16);
  }
  lua_pushinteger(lua, static_cast<lua_Integer>(total));
  return 1;
}

}  // namespace

void AddStructLibrary(lua_State* lua) {
  constexpr luaL_Reg kFunctions[] = {{"pack", Pack}, {"unpack", Unpack}, {"size", Size}};
  for (const luaL_Reg& each : kFunctions) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
}

}  // namespace peal::broker
