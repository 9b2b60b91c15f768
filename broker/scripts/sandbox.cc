// The globals that scripts see. Tables that all scripts share are behind proxies: an empty table
// whose metatable leads reads to the real one and refuses writes. Functions that would see through
// (rawset, next, getmetatable, table.insert ...) know proxies.
#include <climits>
#include <cmath>
#include <cstring>
#include <iterator>

#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

// A key that no script can make: the address of this.
const char kMarker = 0;

void* Marker() { return const_cast<char*>(&kMarker); }

int RefuseWrite(lua_State* lua) { return luaL_error(lua, "Attempt to modify a readonly table"); }

int RefuseRead(lua_State* lua) {
  const char* const name = lua_tostring(lua, 2);
  return luaL_error(lua, "Script attempted to access nonexistent global variable '%s'",
                    name != nullptr ? name : luaL_typename(lua, 2));
}

int SetMetatable(lua_State* lua) {
  const int type = lua_type(lua, 2);
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_argcheck(lua, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table expected");
  LuaEngine::CheckWritable(lua, 1);
  if (luaL_getmetafield(lua, 1, "__metatable") != 0) {
    luaL_error(lua, "cannot change a protected metatable");
  }
  lua_settop(lua, 2);
  lua_setmetatable(lua, 1);
  return 1;
}

int GetMetatable(lua_State* lua) {
  luaL_checkany(lua, 1);
  LuaEngine& engine = LuaEngine::Of(lua);
  if (lua_type(lua, 1) == LUA_TSTRING) {
    engine.PushStringMeta(lua);
    return 1;
  }
  if (engine.IsGlobals(lua, 1)) {
    engine.PushGlobalsMeta(lua);
    return 1;
  }
  if (LuaEngine::PushReal(lua, 1) || lua_getmetatable(lua, 1) == 0) {
    lua_pushnil(lua);
    return 1;
  }
  luaL_getmetafield(lua, 1, "__metatable");
  return 1;
}

int RawSet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  luaL_checkany(lua, 3);
  LuaEngine::CheckWritable(lua, 1);
  lua_settop(lua, 3);
  lua_rawset(lua, 1);
  return 1;
}

int RawGet(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  if (LuaEngine::PushReal(lua, 1)) lua_replace(lua, 1);
  lua_rawget(lua, 1);
  return 1;
}

int Next(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_settop(lua, 2);
  if (LuaEngine::PushReal(lua, 1)) lua_replace(lua, 1);
  if (lua_next(lua, 1) != 0) return 2;
  lua_pushnil(lua);
  return 1;
}

int Pairs(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_pushvalue(lua, 1);
  lua_pushnil(lua);
  return 3;
}

/// As stock pcall, but an error of redis.call comes as its text.
int Pcall(lua_State* lua) {
  luaL_checkany(lua, 1);
  const int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
  if (status != 0) LuaEngine::Of(lua).CheckEnd(lua);
  if (status != 0 && lua_istable(lua, -1)) {
    lua_pushliteral(lua, "err");
    lua_rawget(lua, -2);
    if (lua_isstring(lua, -1) != 0) {
      lua_replace(lua, -2);
    } else {
      lua_pop(lua, 1);
    }
  }
  luaL_checkstack(lua, 1, "too many results");
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_insert(lua, 1);
  return lua_gettop(lua);
}

/// As stock xpcall, but the handler runs when the stack is unwound: Lua would run it in the place
/// of the error, which may be the hook, where no other hook is called and a loop would never end.
int Xpcall(lua_State* lua) {
  luaL_checkany(lua, 2);
  lua_settop(lua, 2);
  lua_insert(lua, 1);  // handler, function
  const int status = lua_pcall(lua, 0, LUA_MULTRET, 0);
  if (status != 0) {
    LuaEngine::Of(lua).CheckEnd(lua);
    lua_pushvalue(lua, 1);
    lua_insert(lua, -2);
    if (lua_pcall(lua, 1, 1, 0) != 0) LuaEngine::Of(lua).CheckEnd(lua);
  }
  lua_pushboolean(lua, status == 0 ? 1 : 0);
  lua_replace(lua, 1);
  return lua_gettop(lua);
}

int LoadResult(lua_State* lua, int status) {
  if (status == 0) return 1;
  lua_pushnil(lua);
  lua_insert(lua, -2);
  return 2;
}

int LoadString(lua_State* lua) {
  size_t size = 0;
  const char* const text = luaL_checklstring(lua, 1, &size);
  const char* const name = luaL_optstring(lua, 2, text);
  LuaEngine::Of(lua).Charge(lua, size * 16);
  return LoadResult(lua, LuaEngine::LoadText(lua, {text, size}, name));
}

int Load(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TFUNCTION);
  const char* const name = luaL_optstring(lua, 2, "=(load)");
  lua_settop(lua, 2);
  luaL_Buffer text;
  luaL_buffinit(lua, &text);
  for (;;) {
    LuaEngine::Of(lua).Charge(lua, 100);
    lua_pushvalue(lua, 1);
    if (lua_pcall(lua, 0, 1, 0) != 0) {
      LuaEngine::Of(lua).CheckEnd(lua);
      return LoadResult(lua, LUA_ERRRUN);
    }
    if (lua_isnil(lua, -1) || (lua_isstring(lua, -1) != 0 && lua_objlen(lua, -1) == 0)) break;
    if (lua_isstring(lua, -1) == 0) {
      lua_pushliteral(lua, "reader function must return a string");
      return LoadResult(lua, LUA_ERRRUN);
    }
    luaL_addvalue(&text);
  }
  lua_pop(lua, 1);
  luaL_pushresult(&text);
  size_t size = 0;
  const char* const data = lua_tolstring(lua, -1, &size);
  LuaEngine::Of(lua).Charge(lua, size * 16);
  return LoadResult(lua, LuaEngine::LoadText(lua, {data, size}, name));
}

/// Settings are taken back for the next script, so they are not made at all.
int CollectGarbage(lua_State* lua) {
  constexpr const char* kNames[] = {"collect", "stop",     "restart",    "count",
                                    "step",    "setpause", "setstepmul", nullptr};
  const int option = luaL_checkoption(lua, 1, "collect", kNames);
  LuaEngine& engine = LuaEngine::Of(lua);
  switch (option) {
    case 0:
      lua_gc(lua, LUA_GCCOLLECT, 0);
      engine.Look(lua);
      lua_pushinteger(lua, 0);
      return 1;
    case 3:
      lua_pushnumber(lua, static_cast<lua_Number>(engine.memory_bytes()) / 1024);
      return 1;
    case 4:
      lua_pushboolean(lua, lua_gc(lua, LUA_GCSTEP, 0));
      engine.Look(lua);
      return 1;
    case 5:
    case 6:
      lua_pushinteger(lua, 200);
      return 1;
    default:
      lua_pushinteger(lua, 0);
      return 1;
  }
}

int Unpack(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  const int64_t first = static_cast<int>(luaL_optinteger(lua, 2, 1));
  const int64_t last = lua_isnoneornil(lua, 3) ? static_cast<int>(lua_objlen(lua, 1))
                                               : static_cast<int>(luaL_checkinteger(lua, 3));
  if (first > last) return 0;
  const int64_t count = last - first + 1;
  if (count >= INT_MAX || lua_checkstack(lua, static_cast<int>(count)) == 0) {
    return luaL_error(lua, "too many results to unpack");
  }
  LuaEngine::Of(lua).Charge(lua, static_cast<size_t>(count) * 8);
  for (int64_t i = first; i <= last; ++i) lua_rawgeti(lua, 1, static_cast<int>(i));
  return static_cast<int>(count);
}

// ---------------------------------------------------------------- table

/// A stock function (the upvalue) that may write to the table it gets, and whose work grows with
/// it.
int Guarded(lua_State* lua) {
  if (lua_istable(lua, 1)) {
    LuaEngine::CheckWritable(lua, 1);
    LuaEngine::Of(lua).Charge(lua, 1 + lua_objlen(lua, 1) * 8);
  }
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/// A stock function (the upvalue) that calls another, which may be itself: no hook is reached in a
/// tree of such calls, and it may have more leaves than anybody can wait for.
int Calling(lua_State* lua) {
  LuaEngine::Of(lua).Charge(lua, 100 + (lua_istable(lua, 1) ? lua_objlen(lua, 1) * 50 : 0));
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

int StockSort(lua_State* lua) {
  if (!lua_isnoneornil(lua, 2)) luaL_checktype(lua, 2, LUA_TFUNCTION);
  lua_settop(lua, 2);
  lua_pushcclosure(lua, ComparesForSort, 1);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

/// Moves the element at `root` of a heap of `count` elements (of the table at 1) down to its place.
void SiftDown(lua_State* lua, int root, int count) {
  lua_rawgeti(lua, 1, root);
  for (int child = 2 * root; child <= count; child = 2 * root) {
    lua_rawgeti(lua, 1, child);
    if (child < count) {
      lua_rawgeti(lua, 1, child + 1);
      if (lua_lessthan(lua, -2, -1) != 0) {
        lua_replace(lua, -2);
        ++child;
      } else {
        lua_pop(lua, 1);
      }
    }
    if (lua_lessthan(lua, -2, -1) == 0) {
      lua_pop(lua, 1);
      break;
    }
    lua_rawseti(lua, 1, root);
    root = child;
  }
  lua_rawseti(lua, 1, root);
}

/// Stock sort takes quadratic time on input made for it and no hook reaches it unless a function of
/// Lua compares. Without one, numbers (and strings) that are neither less nor greater are the same,
/// so any order of equals will do: a heap takes n log n always.
int Sort(lua_State* lua) {
  luaL_checktype(lua, 1, LUA_TTABLE);
  LuaEngine::CheckWritable(lua, 1);
  LuaEngine& engine = LuaEngine::Of(lua);
  const auto count = static_cast<int>(lua_objlen(lua, 1));
  if (count < 64) return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
  if (!lua_isnoneornil(lua, 2)) return StockSort(lua);
  lua_settop(lua, 2);
  lua_rawgeti(lua, 1, 1);
  const int type = lua_type(lua, -1);
  bool is_plain = type == LUA_TNUMBER || type == LUA_TSTRING;
  for (int i = 1; i <= count && is_plain; ++i) {
    lua_rawgeti(lua, 1, i);
    is_plain = lua_type(lua, -1) == type;
    if (type == LUA_TNUMBER && std::isnan(lua_tonumber(lua, -1))) is_plain = false;
    lua_pop(lua, 1);
  }
  lua_settop(lua, 2);
  engine.Charge(lua, static_cast<size_t>(count) * 16);
  if (!is_plain) return StockSort(lua);
  for (int root = count / 2; root >= 1; --root) {
    SiftDown(lua, root, count);
    engine.Charge(lua, 400);
  }
  for (int last = count; last > 1; --last) {
    lua_rawgeti(lua, 1, 1);
    lua_rawgeti(lua, 1, last);
    lua_rawseti(lua, 1, 1);
    lua_rawseti(lua, 1, last);
    SiftDown(lua, 1, last - 1);
    engine.Charge(lua, 400);
  }
  return 0;
}

// ---------------------------------------------------------------- coroutine

constexpr size_t kWorkOfResume = 100'000;

/// Stock resume (the upvalue), with the watch kept over the coroutine.
int Resume(lua_State* lua) {
  LuaEngine& engine = LuaEngine::Of(lua);
  lua_State* const thread = lua_tothread(lua, 1);
  luaL_argcheck(lua, thread != nullptr, 1, "coroutine expected");
  // Each coroutine counts instructions of its own.
  engine.Charge(lua, kWorkOfResume);
  int results = 0;
  {
    const LuaEngine::Switch switched(engine, thread);
    results = lua_tocfunction(lua, lua_upvalueindex(1))(lua);
  }
  if (lua_toboolean(lua, -results) == 0) engine.CheckEnd(lua);
  return results;
}

/// What wrap returns. Upvalues: stock resume, the coroutine.
int ResumeWrapped(lua_State* lua) {
  lua_pushvalue(lua, lua_upvalueindex(2));
  lua_insert(lua, 1);
  const int results = Resume(lua);
  if (lua_toboolean(lua, -results) != 0) return results - 1;
  if (lua_isstring(lua, -1) != 0) {
    luaL_where(lua, 1);
    lua_insert(lua, -2);
    lua_concat(lua, 2);
  }
  return lua_error(lua);
}

/// Upvalues: stock resume, stock create.
int Wrap(lua_State* lua) {
  lua_tocfunction(lua, lua_upvalueindex(2))(lua);
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, -2);
  lua_pushcclosure(lua, ResumeWrapped, 2);
  return 1;
}

// ---------------------------------------------------------------- math

constexpr uint32_t kRandomMax = INT32_MAX;

int Random(lua_State* lua) {
  LuaEngine& engine = LuaEngine::Of(lua);
  const double r =
      static_cast<double>(engine.NextRandom() % kRandomMax) / static_cast<double>(kRandomMax);
  switch (lua_gettop(lua)) {
    case 0:
      lua_pushnumber(lua, r);
      return 1;
    case 1: {
      const auto high = static_cast<int>(luaL_checkinteger(lua, 1));
      luaL_argcheck(lua, 1 <= high, 1, "interval is empty");
      lua_pushnumber(lua, std::floor(r * high) + 1);
      return 1;
    }
    case 2: {
      const auto low = static_cast<int>(luaL_checkinteger(lua, 1));
      const auto high = static_cast<int>(luaL_checkinteger(lua, 2));
      luaL_argcheck(lua, low <= high, 2, "interval is empty");
      lua_pushnumber(lua, std::floor(r * (static_cast<double>(high) - low + 1)) + low);
      return 1;
    }
    default:
      return luaL_error(lua, "wrong number of arguments");
  }
}

int RandomSeed(lua_State* lua) {
  LuaEngine::Of(lua).SeedRandom(static_cast<uint32_t>(static_cast<int>(luaL_checkinteger(lua, 1))));
  return 0;
}

}  // namespace

/// What stock sort compares with: the function at the upvalue, or '<' if that is nil. The function
/// may be one of C, and so may a metamethod be: no hook is reached there.
int ComparesForSort(lua_State* lua) {
  LuaEngine::Of(lua).Charge(lua, 200);
  if (lua_isnil(lua, lua_upvalueindex(1))) {
    lua_pushboolean(lua, lua_lessthan(lua, 1, 2));
    return 1;
  }
  lua_pushvalue(lua, lua_upvalueindex(1));
  lua_insert(lua, 1);
  lua_call(lua, 2, 1);
  return 1;
}

uint32_t LuaEngine::NextRandom() {
  // The generator of drand48 (POSIX): scripts get the same sequence everywhere.
  random_ = (random_ * 0x5DEECE66Dull + 0xB) & ((uint64_t{1} << 48) - 1);
  return static_cast<uint32_t>(random_ >> 17);
}

void LuaEngine::Protect() {
  lua_State* const lua = state_;
  lua_newtable(lua);           // real, proxy
  lua_createtable(lua, 0, 3);  // real, proxy, meta
  lua_pushvalue(lua, -3);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, RefuseWrite);
  lua_setfield(lua, -2, "__newindex");
  lua_pushlightuserdata(lua, Marker());
  lua_pushvalue(lua, -4);
  lua_rawset(lua, -3);
  lua_setmetatable(lua, -2);
  lua_replace(lua, -2);
}

bool LuaEngine::PushReal(lua_State* lua, int index) {
  if (lua_type(lua, index) != LUA_TTABLE || lua_getmetatable(lua, index) == 0) return false;
  lua_pushlightuserdata(lua, Marker());
  lua_rawget(lua, -2);
  if (lua_isnil(lua, -1)) {
    lua_pop(lua, 2);
    return false;
  }
  lua_replace(lua, -2);
  return true;
}

void LuaEngine::CheckWritable(lua_State* lua, int index) {
  if (!PushReal(lua, index)) return;
  lua_pushliteral(lua, "Attempt to modify a readonly table");
  lua_error(lua);
}

bool LuaEngine::IsGlobals(lua_State* lua, int index) const {
  lua_rawgeti(lua, LUA_REGISTRYINDEX, environment_ref_);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, function_environment_ref_);
  const bool is = lua_rawequal(lua, index, -1) != 0 || lua_rawequal(lua, index, -2) != 0;
  lua_pop(lua, 2);
  return is;
}

void AddBaseLibrary(lua_State* lua) {
  // Stock functions that may stay as they are.
  for (const char* const name : {"assert", "error", "gcinfo", "ipairs", "rawequal", "select",
                                 "tonumber", "tostring", "type", "_VERSION"}) {
    lua_getfield(lua, LUA_GLOBALSINDEX, name);
    lua_setfield(lua, -2, name);
  }
  constexpr luaL_Reg kOwn[] = {{"setmetatable", SetMetatable},
                               {"getmetatable", GetMetatable},
                               {"rawset", RawSet},
                               {"rawget", RawGet},
                               {"next", Next},
                               {"pcall", Pcall},
                               {"xpcall", Xpcall},
                               {"load", Load},
                               {"loadstring", LoadString},
                               {"collectgarbage", CollectGarbage},
                               {"unpack", Unpack}};
  for (const luaL_Reg& each : kOwn) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
  lua_getfield(lua, -1, "next");
  lua_pushcclosure(lua, Pairs, 1);
  lua_setfield(lua, -2, "pairs");
}

void AddTableLibrary(lua_State* lua) {
  for (const char* const name : {"insert", "remove", "setn", "concat", "maxn", "getn"}) {
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, Guarded, 1);
    lua_setfield(lua, -2, name);
  }
  for (const char* const name : {"foreach", "foreachi"}) {
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, Calling, 1);
    lua_setfield(lua, -2, name);
  }
  lua_getfield(lua, -1, "sort");
  lua_pushcclosure(lua, Sort, 1);
  lua_setfield(lua, -2, "sort");
}

void AddCoroutineLibrary(lua_State* lua) {
  lua_getfield(lua, -1, "resume");
  lua_getfield(lua, -2, "create");
  lua_pushcclosure(lua, Wrap, 2);
  lua_setfield(lua, -2, "wrap");
  lua_getfield(lua, -1, "resume");
  lua_pushcclosure(lua, Resume, 1);
  lua_setfield(lua, -2, "resume");
}

void AddMathLibrary(lua_State* lua) {
  lua_pushcfunction(lua, Random);
  lua_setfield(lua, -2, "random");
  lua_pushcfunction(lua, RandomSeed);
  lua_setfield(lua, -2, "randomseed");
}

void LuaEngine::Init() {
  lua_State* const lua = state_;
  constexpr lua_CFunction kStock[] = {luaopen_base, luaopen_table, luaopen_string, luaopen_math};
  for (const lua_CFunction open : kStock) {
    lua_pushcfunction(lua, open);
    lua_call(lua, 0, 0);
  }
  const int top = lua_gettop(lua);
  // The libraries, once; their proxies are shared by the environments.
  struct Library {
    const char* name;
    void (*add)(lua_State* lua);
    bool is_new;
  };
  constexpr Library kLibraries[] = {
      {"string", AddStringLibrary, false},    {"table", AddTableLibrary, false},
      {"math", AddMathLibrary, false},        {"coroutine", AddCoroutineLibrary, false},
      {"bit", AddBitLibrary, true},           {"struct", AddStructLibrary, true},
      {"cmsgpack", AddCmsgpackLibrary, true}, {"cjson", AddCjsonLibrary, true}};
  lua_newtable(lua);  // at top + 1: what the environments of scripts and functions share
  AddBaseLibrary(lua);
  for (const Library& library : kLibraries) {
    if (library.is_new) {
      lua_newtable(lua);
    } else {
      lua_getfield(lua, LUA_GLOBALSINDEX, library.name);
    }
    library.add(lua);
    Protect();
    lua_setfield(lua, -2, library.name);
  }
  lua_newtable(lua);
  luaopen_os(lua);  // leaves its table on top; only the clock is let through
  lua_getfield(lua, -1, "clock");
  lua_setfield(lua, -3, "clock");
  lua_pop(lua, 1);
  Protect();
  lua_setfield(lua, -2, "os");

  const auto make = [&](RedisTable which) {
    lua_newtable(lua);
    if (which != RedisTable::kLoad) {
      lua_pushnil(lua);
      while (lua_next(lua, top + 1) != 0) {
        lua_pushvalue(lua, -2);
        lua_insert(lua, -2);
        lua_settable(lua, -4);
      }
    }
    const auto refuse_reads = [&] {
      lua_createtable(lua, 0, 1);
      lua_pushcfunction(lua, RefuseRead);
      lua_setfield(lua, -2, "__index");
      lua_setmetatable(lua, -2);
    };
    lua_newtable(lua);
    AddRedisLibrary(lua, which);
    if (which == RedisTable::kLoad) refuse_reads();
    Protect();
    lua_pushvalue(lua, -1);
    lua_setfield(lua, -3, "server");
    lua_setfield(lua, -2, "redis");
    refuse_reads();
    lua_pushvalue(lua, -1);
    const int real = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_pushvalue(lua, -1);
    Protect();
    if (which != RedisTable::kLoad) {
      lua_pushvalue(lua, -1);
      lua_setfield(lua, -3, "_G");
    }
    const int proxy = luaL_ref(lua, LUA_REGISTRYINDEX);
    lua_pop(lua, 1);
    return std::pair(real, proxy);
  };
  const auto [script_real, script_proxy] = make(RedisTable::kScript);
  environment_real_ref_ = script_real;
  environment_ref_ = script_proxy;
  const auto [function_real, function_proxy] = make(RedisTable::kFunction);
  function_real_ref_ = function_real;
  function_environment_ref_ = function_proxy;
  const auto [load_real, load_proxy] = make(RedisTable::kLoad);
  load_real_ref_ = load_real;
  luaL_unref(lua, LUA_REGISTRYINDEX, load_proxy);

  // What getmetatable shows: nothing that can be changed.
  lua_newtable(lua);
  lua_getfield(lua, top + 1, "string");
  lua_setfield(lua, -2, "__index");
  Protect();
  string_meta_ref_ = luaL_ref(lua, LUA_REGISTRYINDEX);
  lua_newtable(lua);
  lua_pushcfunction(lua, RefuseRead);
  lua_setfield(lua, -2, "__index");
  Protect();
  globals_meta_ref_ = luaL_ref(lua, LUA_REGISTRYINDEX);

  lua_rawgeti(lua, LUA_REGISTRYINDEX, environment_ref_);
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_settop(lua, top);
}

}  // namespace peal::broker
