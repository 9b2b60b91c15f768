// cmsgpack: MessagePack. Source: the MessagePack specification, and lua-cmsgpack 0.4 as
// redis-server 7.0.15 has it (what it packs in which form, where it stops, its errors).
#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

// Tables nested deeper are packed as nil.
constexpr int kDeepest = 16;

class Packer {
 public:
  explicit Packer(lua_State* lua) : lua_(lua), engine_(LuaEngine::Of(lua)) {}

  const std::string& bytes() const { return bytes_; }

  /// Packs the value on top and pops it.
  void Pack(int depth) {
    engine_.Charge(lua_, 16);
    // What is packed so far is not the state's memory, so its bound is kept here.
    if (bytes_.size() > engine_.memory_limit()) luaL_error(lua_, "not enough memory");
    luaL_checkstack(lua_, 4, "in function mp_pack");
    int type = lua_type(lua_, -1);
    if (type == LUA_TTABLE && depth == kDeepest) type = LUA_TNIL;
    switch (type) {
      case LUA_TSTRING: {
        size_t size = 0;
        const char* const data = lua_tolstring(lua_, -1, &size);
        engine_.Charge(lua_, size);
        if (size < 32) {
          Byte(0xa0 | size);
        } else {
          Head(size, 0xd9, 0xda, 0xdb);
        }
        bytes_.append(data, size);
        break;
      }
      case LUA_TBOOLEAN:
        Byte(lua_toboolean(lua_, -1) != 0 ? 0xc3 : 0xc2);
        break;
      case LUA_TNUMBER:
        Number(lua_tonumber(lua_, -1));
        break;
      case LUA_TTABLE:
        IsArray() ? Array(depth) : Map(depth);
        break;
      default:
        Byte(0xc0);
    }
    lua_pop(lua_, 1);
  }

 private:
  void Byte(uint64_t byte) { bytes_ += static_cast<char>(byte); }
  void BigEndian(uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) Byte((value >> shift) & 0xff);
  }
  void Head(size_t size, uint8_t mark8, uint8_t mark16, uint8_t mark32) {
    if (size <= 0xff && mark8 != 0) {
      Byte(mark8);
      BigEndian(size, 1);
    } else if (size <= 0xffff) {
      Byte(mark16);
      BigEndian(size, 2);
    } else {
      Byte(mark32);
      BigEndian(size, 4);
    }
  }

  void Number(lua_Number number) {
    if (number >= -0x1p63 && number < 0x1p63 &&
        static_cast<lua_Number>(static_cast<int64_t>(number)) == number) {
      return Integer(static_cast<int64_t>(number));
    }
    const auto narrow = static_cast<float>(number);
    if (static_cast<double>(narrow) == number) {
      uint32_t bits = 0;
      std::memcpy(&bits, &narrow, sizeof bits);
      Byte(0xca);
      BigEndian(bits, 4);
    } else {
      uint64_t bits = 0;
      std::memcpy(&bits, &number, sizeof bits);
      Byte(0xcb);
      BigEndian(bits, 8);
    }
  }

  void Integer(int64_t value) {
    const auto bits = static_cast<uint64_t>(value);
    if (value >= 0) {
      if (value <= 127) return Byte(bits);
      const int bytes = value <= 0xff ? 1 : value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8;
      Byte(bytes == 1 ? 0xcc : bytes == 2 ? 0xcd : bytes == 4 ? 0xce : 0xcf);
      return BigEndian(bits, bytes);
    }
    if (value >= -32) return Byte(bits & 0xff);
    const int bytes = value >= -128 ? 1 : value >= -32768 ? 2 : value >= INT32_MIN ? 4 : 8;
    Byte(bytes == 1 ? 0xd0 : bytes == 2 ? 0xd1 : bytes == 4 ? 0xd2 : 0xd3);
    BigEndian(bits, bytes);
  }

  /// Whether the keys of the table on top are 1..n.
  bool IsArray() {
    int64_t count = 0;
    int64_t highest = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      engine_.Charge(lua_, 8);
      lua_pop(lua_, 1);
      const lua_Number key = lua_type(lua_, -1) == LUA_TNUMBER ? lua_tonumber(lua_, -1) : 0;
      if (!(key > 0 && key <= INT_MAX) || key != std::trunc(key)) {
        lua_pop(lua_, 1);
        return false;
      }
      highest = std::max(highest, static_cast<int64_t>(key));
      ++count;
    }
    return highest == count;
  }

  void Array(int depth) {
    const size_t size = lua_objlen(lua_, -1);
    if (size <= 15) {
      Byte(0x90 | size);
    } else {
      Head(size, 0, 0xdc, 0xdd);
    }
    for (size_t i = 1; i <= size; ++i) {
      lua_pushinteger(lua_, static_cast<lua_Integer>(i));
      lua_gettable(lua_, -2);
      Pack(depth + 1);
    }
  }

  void Map(int depth) {
    size_t size = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pop(lua_, 1);
      ++size;
    }
    if (size <= 15) {
      Byte(0x80 | size);
    } else {
      Head(size, 0, 0xde, 0xdf);
    }
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pushvalue(lua_, -2);
      Pack(depth + 1);
      Pack(depth + 1);
    }
  }

  lua_State* lua_;
  LuaEngine& engine_;
  std::string bytes_;
};

int PackAll(lua_State* lua) {
  const int count = lua_gettop(lua);
  if (count == 0) return luaL_argerror(lua, 0, "MessagePack pack needs input.");
  if (lua_checkstack(lua, count) == 0) {
    return luaL_argerror(lua, 0, "Too many arguments for MessagePack pack.");
  }
  Packer packer(lua);
  for (int i = 1; i <= count; ++i) {
    lua_pushvalue(lua, i);
    packer.Pack(0);
  }
  lua_pushlstring(lua, packer.bytes().data(), packer.bytes().size());
  return 1;
}

/// Reads hostile bytes: a length that is not there is no length.
class Unpacker {
 public:
  enum class Fault : uint8_t { kNone, kMissing, kBad };

  Unpacker(lua_State* lua, std::string_view bytes)
      : lua_(lua), engine_(LuaEngine::Of(lua)), rest_(bytes) {}

  size_t left() const { return rest_.size(); }
  Fault fault() const { return fault_; }

  /// Pushes the next value. With a fault something is pushed or not: the caller raises an error.
  void Push() {
    engine_.Charge(lua_, 16);
    if (rest_.empty()) return Fail(Fault::kMissing);
    const auto mark = static_cast<uint8_t>(rest_[0]);
    if (mark <= 0x7f) return Small(mark);
    if (mark >= 0xe0) return Small(static_cast<int8_t>(mark));
    if ((mark & 0xe0) == 0xa0) return String(1, mark & 0x1fu);
    if ((mark & 0xf0) == 0x90) {
      rest_.remove_prefix(1);
      return Array(mark & 0xfu);
    }
    if ((mark & 0xf0) == 0x80) {
      rest_.remove_prefix(1);
      return Map(mark & 0xfu);
    }
    switch (mark) {
      case 0xc0:
        rest_.remove_prefix(1);
        return lua_pushnil(lua_);
      case 0xc2:
      case 0xc3:
        rest_.remove_prefix(1);
        return lua_pushboolean(lua_, mark == 0xc3 ? 1 : 0);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf: {
        const int bytes = 1 << (mark - 0xcc);
        if (Needs(1 + static_cast<size_t>(bytes))) {
          // Redis takes the largest numbers for negative ones.
          lua_pushnumber(lua_, static_cast<lua_Number>(static_cast<int64_t>(Take(bytes))));
        }
        return;
      }
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3: {
        const int bytes = 1 << (mark - 0xd0);
        if (!Needs(1 + static_cast<size_t>(bytes))) return;
        const int shift = 64 - 8 * bytes;
        lua_pushnumber(
            lua_, static_cast<lua_Number>(static_cast<int64_t>(Take(bytes) << shift) >> shift));
        return;
      }
      case 0xca: {
        if (!Needs(5)) return;
        const auto bits = static_cast<uint32_t>(Take(4));
        float value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return lua_pushnumber(lua_, static_cast<lua_Number>(value));
      }
      case 0xcb: {
        if (!Needs(9)) return;
        const uint64_t bits = Take(8);
        double value = 0;
        std::memcpy(&value, &bits, sizeof value);
        return lua_pushnumber(lua_, value);
      }
      case 0xd9:
      case 0xda:
      case 0xdb: {
        const int bytes = 1 << (mark - 0xd9);
        const std::string_view before = rest_;
        if (!Needs(1 + static_cast<size_t>(bytes))) return;
        const uint64_t size = Take(bytes);
        rest_ = before;
        return String(1 + static_cast<size_t>(bytes), size);
      }
      case 0xdc:
      case 0xdd:
      case 0xde:
      case 0xdf: {
        const int bytes = (mark & 1) == 0 ? 2 : 4;
        if (!Needs(1 + static_cast<size_t>(bytes))) return;
        const uint64_t size = Take(bytes);
        return mark <= 0xdd ? Array(size) : Map(size);
      }
      default:
        return Fail(Fault::kBad);
    }
  }

 private:
  void Fail(Fault fault) { fault_ = fault; }
  bool Needs(size_t bytes) {
    if (rest_.size() >= bytes) return true;
    Fail(Fault::kMissing);
    return false;
  }
  /// The big-endian number behind the mark; both are taken.
  uint64_t Take(int bytes) {
    uint64_t value = 0;
    for (int i = 1; i <= bytes; ++i) {
      value = (value << 8) | static_cast<uint8_t>(rest_[static_cast<size_t>(i)]);
    }
    rest_.remove_prefix(static_cast<size_t>(bytes) + 1);
    return value;
  }
  void Small(int value) {
    rest_.remove_prefix(1);
    lua_pushinteger(lua_, value);
  }
  void String(size_t head, uint64_t size) {
    if (!Needs(head) || rest_.size() - head < size) return Fail(Fault::kMissing);
    engine_.Charge(lua_, size);
    lua_pushlstring(lua_, rest_.data() + head, size);
    rest_.remove_prefix(head + size);
  }
  void Array(uint64_t size) {
    luaL_checkstack(lua_, 3, "in function mp_decode_to_lua_array");
    lua_newtable(lua_);
    for (uint64_t i = 1; i <= size; ++i) {
      lua_pushnumber(lua_, static_cast<lua_Number>(i));
      Push();
      if (fault_ != Fault::kNone) return;
      lua_settable(lua_, -3);
    }
  }
  void Map(uint64_t size) {
    luaL_checkstack(lua_, 3, "in function mp_decode_to_lua_hash");
    lua_newtable(lua_);
    for (uint64_t i = 0; i < size; ++i) {
      Push();
      if (fault_ != Fault::kNone) return;
      Push();
      if (fault_ != Fault::kNone) return;
      lua_settable(lua_, -3);
    }
  }

  lua_State* lua_;
  LuaEngine& engine_;
  std::string_view rest_;
  Fault fault_ = Fault::kNone;
};

int UnpackSome(lua_State* lua, int limit, int offset) {
  size_t size = 0;
  const char* const data = luaL_checklstring(lua, 1, &size);
  const bool takes_all = limit == 0 && offset == 0;
  if (offset < 0 || limit < 0) {
    return luaL_error(lua, "Invalid request to unpack with offset of %d and limit of %d.", offset,
                      static_cast<int>(size));
  }
  if (static_cast<size_t>(offset) > size) {
    return luaL_error(lua, "Start offset %d greater than input length %d.", offset,
                      static_cast<int>(size));
  }
  if (takes_all) limit = INT_MAX;
  Unpacker unpacker(lua, std::string_view(data, size).substr(static_cast<size_t>(offset)));
  int count = 0;
  for (; unpacker.left() > 0 && count < limit; ++count) {
    luaL_checkstack(lua, 1,
                    "too many return values at once; use unpack_one or unpack_limit instead.");
    unpacker.Push();
    switch (unpacker.fault()) {
      case Unpacker::Fault::kMissing:
        return luaL_error(lua, "Missing bytes in input.");
      case Unpacker::Fault::kBad:
        return luaL_error(lua, "Bad data format in input.");
      default:
        break;
    }
  }
  if (takes_all) return count;
  luaL_checkstack(lua, 1, "in function mp_unpack_full");
  lua_pushinteger(lua,
                  unpacker.left() == 0 ? -1 : static_cast<lua_Integer>(size - unpacker.left()));
  lua_insert(lua, 2);
  return count + 1;
}

int UnpackAll(lua_State* lua) { return UnpackSome(lua, 0, 0); }

int UnpackOne(lua_State* lua) {
  const auto offset = static_cast<int>(luaL_optinteger(lua, 2, 0));
  lua_settop(lua, 1);
  return UnpackSome(lua, 1, offset);
}

int UnpackLimit(lua_State* lua) {
  const auto limit = static_cast<int>(luaL_checkinteger(lua, 2));
  const auto offset = static_cast<int>(luaL_optinteger(lua, 3, 0));
  lua_settop(lua, 1);
  return UnpackSome(lua, limit, offset);
}

}  // namespace

void AddCmsgpackLibrary(lua_State* lua) {
  constexpr luaL_Reg kFunctions[] = {{"pack", PackAll},
                                     {"unpack", UnpackAll},
                                     {"unpack_one", UnpackOne},
                                     {"unpack_limit", UnpackLimit}};
  for (const luaL_Reg& each : kFunctions) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
  lua_pushliteral(lua, "cmsgpack");
  lua_setfield(lua, -2, "_NAME");
  lua_pushliteral(lua, "lua-cmsgpack 0.4.0");
  lua_setfield(lua, -2, "_VERSION");
  lua_pushliteral(lua, "MessagePack C implementation for Lua");
  lua_setfield(lua, -2, "_DESCRIPTION");
}

}  // namespace peal::broker
