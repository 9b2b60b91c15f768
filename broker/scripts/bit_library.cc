// bit: operations on 32-bit integers. Source: the reference of Lua BitOp 1.0.
#include <cstdint>
#include <cstring>

#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

/// A number modulo 2^32, rounded to the nearest integer: as adding 2^52 + 2^51 leaves it in the low
/// bits of the mantissa.
uint32_t Arg(lua_State* lua, int index) {
  const double shifted = luaL_checknumber(lua, index) + 6755399441055744.0;
  uint64_t bits = 0;
  std::memcpy(&bits, &shifted, sizeof bits);
  return static_cast<uint32_t>(bits);
}

int Return(lua_State* lua, uint32_t value) {
  lua_pushnumber(lua, static_cast<int32_t>(value));
  return 1;
}

int ToBit(lua_State* lua) { return Return(lua, Arg(lua, 1)); }
int Not(lua_State* lua) { return Return(lua, ~Arg(lua, 1)); }

template <typename Operation>
int Fold(lua_State* lua, Operation operation) {
  uint32_t value = Arg(lua, 1);
  for (int i = lua_gettop(lua); i > 1; --i) value = operation(value, Arg(lua, i));
  return Return(lua, value);
}
int And(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a & b; });
}
int Or(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a | b; });
}
int Xor(lua_State* lua) {
  return Fold(lua, [](uint32_t a, uint32_t b) { return a ^ b; });
}

int ShiftLeft(lua_State* lua) {
  const uint32_t value = Arg(lua, 1);
  return Return(lua, value << (Arg(lua, 2) & 31));
}
int ShiftRight(lua_State* lua) {
  const uint32_t value = Arg(lua, 1);
  return Return(lua, value >> (Arg(lua, 2) & 31));
}
int ShiftRightSigned(lua_State* lua) {
  const auto value = static_cast<int32_t>(Arg(lua, 1));
  return Return(lua, static_cast<uint32_t>(value >> (Arg(lua, 2) & 31)));
}
uint32_t Rotate(uint32_t value, uint32_t by) {
  by &= 31;
  return by == 0 ? value : (value << by) | (value >> (32 - by));
}
int RotateLeft(lua_State* lua) {
  const uint32_t value = Arg(lua, 1);
  return Return(lua, Rotate(value, Arg(lua, 2)));
}
int RotateRight(lua_State* lua) {
  const uint32_t value = Arg(lua, 1);
  return Return(lua, Rotate(value, 0u - Arg(lua, 2)));
}
int Swap(lua_State* lua) { return Return(lua, __builtin_bswap32(Arg(lua, 1))); }

int ToHex(lua_State* lua) {
  uint32_t value = Arg(lua, 1);
  int64_t digits = lua_isnone(lua, 2) ? 8 : static_cast<int32_t>(Arg(lua, 2));
  const char* const alphabet = digits < 0 ? "0123456789ABCDEF" : "0123456789abcdef";
  if (digits < 0) digits = -digits;
  if (digits > 8) digits = 8;
  char text[8];
  for (int64_t i = digits - 1; i >= 0; --i) {
    text[i] = alphabet[value & 15];
    value >>= 4;
  }
  lua_pushlstring(lua, text, static_cast<size_t>(digits));
  return 1;
}

}  // namespace

void AddBitLibrary(lua_State* lua) {
  constexpr luaL_Reg kFunctions[] = {{"tobit", ToBit},       {"bnot", Not},
                                     {"band", And},          {"bor", Or},
                                     {"bxor", Xor},          {"lshift", ShiftLeft},
                                     {"rshift", ShiftRight}, {"arshift", ShiftRightSigned},
                                     {"rol", RotateLeft},    {"ror", RotateRight},
                                     {"bswap", Swap},        {"tohex", ToHex}};
  for (const luaL_Reg& each : kFunctions) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
}

}  // namespace peal::broker
