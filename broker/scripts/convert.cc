// Replies to values of Lua and back. Source: the tables of "Redis Lua API reference", and
// redis-server 7.0.15.
#include <cmath>
#include <cstring>
#include <string>

#include "broker/scripts/engine.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"

namespace peal::broker {
namespace {

using protocol::ReplyWriter;
using protocol::RespVersion;

/// The rest of a line; `at` moves behind its end. Replies are our own, so they are whole.
std::string_view Line(const char*& at) {
  const char* const end = static_cast<const char*>(rawmemchr(at, '\r'));
  const std::string_view line(at, static_cast<size_t>(end - at));
  at = end + 2;
  return line;
}

int64_t Number(const char*& at) {
  uint64_t value = 0;  // the least integer has no opposite
  const bool is_negative = *at == '-';
  if (is_negative) ++at;
  for (; *at != '\r'; ++at) value = value * 10 + static_cast<uint64_t>(*at - '0');
  at += 2;
  return static_cast<int64_t>(is_negative ? 0 - value : value);
}

void PushText(lua_State* lua, std::string_view text) {
  lua_pushlstring(lua, text.data(), text.size());
}

void PushWrapped(lua_State* lua, const char* field, std::string_view text) {
  lua_createtable(lua, 0, 1);
  PushText(lua, text);
  lua_setfield(lua, -2, field);
}

/// The integer that C makes of a double on x86: what does not fit is the least integer.
int64_t Truncate(lua_Number number) {
  if (!(number >= -0x1p63 && number < 0x1p63)) return INT64_MIN;
  return static_cast<int64_t>(number);
}

/// Pushes table[field] of the table on top, raw, without making garbage.
int RawField(lua_State* lua, const char* field) {
  lua_pushstring(lua, field);
  lua_rawget(lua, -2);
  return lua_type(lua, -1);
}

std::string_view TopText(lua_State* lua) {
  size_t size = 0;
  const char* const data = lua_tolstring(lua, -1, &size);
  return {data, size};
}

std::string Printable(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (c == '\r' || c == '\n') c = ' ';
  }
  return line;
}

class Writer {
 public:
  Writer(lua_State* lua, protocol::StringSink& sink, RespVersion version,
         RespVersion script_version, std::string* error)
      : lua_(lua),
        sink_(sink),
        reply_(sink, version),
        script_version_(script_version),
        error_(error) {}

  void Write(int depth) {
    LuaEngine& engine = LuaEngine::Of(lua_);
    engine.Charge(lua_, 16);
    // A table may hold one long string a thousand times.
    if (sink_.view().size() > engine.memory_limit()) {
      luaL_error(lua_, "reply is larger than lua-memory-limit");
    }
    if (lua_checkstack(lua_, 6) == 0 || depth > kDeepest) {
      lua_pop(lua_, 1);
      return reply_.ErrorLine("ERR reached lua stack limit");
    }
    switch (lua_type(lua_, -1)) {
      case LUA_TSTRING:
        reply_.Bulk(TopText(lua_));
        break;
      case LUA_TBOOLEAN:
        WriteBoolean(lua_toboolean(lua_, -1) != 0);
        break;
      case LUA_TNUMBER:
        reply_.Integer(Truncate(lua_tonumber(lua_, -1)));
        break;
      case LUA_TTABLE:
        WriteTable(depth);
        break;
      default:
        reply_.Null();
    }
    lua_pop(lua_, 1);
  }

 private:
  static constexpr int kDeepest = 7000;

  void WriteBoolean(bool value) {
    if (script_version_ == RespVersion::k3) return reply_.Boolean(value);
    if (value) {
      reply_.Integer(1);
    } else {
      reply_.Null();
    }
  }

  void WriteTable(int depth) {
    if (RawField(lua_, "err") == LUA_TSTRING) {
      const std::string_view text = TopText(lua_);
      reply_.ErrorLine(text);
      if (depth == 0 && error_ != nullptr) {
        lua_pop(lua_, 1);
        // Counted where it came from?
        const bool is_counted = RawField(lua_, "ignore_error_stats_update") == LUA_TBOOLEAN;
        if (!is_counted) error_->assign(text.empty() ? "ERR" : text);
      }
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "ok") == LUA_TSTRING) {
      reply_.Simple(TopText(lua_));
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "double") == LUA_TNUMBER) {
      reply_.Double(lua_tonumber(lua_, -1));
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "map") == LUA_TTABLE) {
      reply_.Map(CountPairs());
      lua_pushnil(lua_);
      while (lua_next(lua_, -2) != 0) {
        lua_pushvalue(lua_, -2);
        Write(depth + 1);  // the key
        Write(depth + 1);  // the value
      }
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "set") == LUA_TTABLE) {
      reply_.Set(CountPairs());
      lua_pushnil(lua_);
      while (lua_next(lua_, -2) != 0) {
        lua_pop(lua_, 1);
        lua_pushvalue(lua_, -1);
        Write(depth + 1);
      }
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "big_number") == LUA_TSTRING) {
      reply_.BigNumber(Printable(TopText(lua_)));
      return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    if (RawField(lua_, "verbatim_string") == LUA_TTABLE) {
      if (WriteVerbatim()) return lua_pop(lua_, 1);
    }
    lua_pop(lua_, 1);
    int count = 0;
    for (;; ++count) {
      lua_rawgeti(lua_, -1, count + 1);
      const bool is_end = lua_isnil(lua_, -1);
      lua_pop(lua_, 1);
      if (is_end) break;
    }
    reply_.Array(static_cast<size_t>(count));
    for (int i = 1; i <= count; ++i) {
      lua_rawgeti(lua_, -1, i);
      Write(depth + 1);
    }
  }

  bool WriteVerbatim() {
    bool is_written = false;
    if (RawField(lua_, "format") == LUA_TSTRING) {
      const std::string_view format = TopText(lua_);
      lua_insert(lua_, -2);  // keeps the format alive, below the table
      if (RawField(lua_, "string") == LUA_TSTRING) {
        char extension[3] = {' ', ' ', ' '};
        std::memcpy(extension, format.data(), std::min<size_t>(format.size(), 3));
        reply_.Verbatim({extension, 3}, TopText(lua_));
        is_written = true;
      }
      lua_pop(lua_, 1);
      lua_insert(lua_, -2);
    }
    lua_pop(lua_, 1);
    return is_written;
  }

  size_t CountPairs() {
    size_t count = 0;
    lua_pushnil(lua_);
    while (lua_next(lua_, -2) != 0) {
      lua_pop(lua_, 1);
      ++count;
    }
    return count;
  }

  lua_State* lua_;
  protocol::StringSink& sink_;
  ReplyWriter reply_;
  RespVersion script_version_;
  std::string* error_;
};

}  // namespace

void PushError(lua_State* lua, std::string_view text, bool is_counted) {
  lua_createtable(lua, 0, is_counted ? 2 : 1);
  // "-CODE text", or a text without a code.
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  std::string message;
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    if (text.find(' ') == std::string_view::npos) message = "ERR ";
  } else {
    message = "ERR ";
  }
  message += text;
  PushText(lua, message);
  lua_setfield(lua, -2, "err");
  if (!is_counted) return;
  lua_pushboolean(lua, 1);
  lua_setfield(lua, -2, "ignore_error_stats_update");
}

int RaiseError(lua_State* lua, std::string_view text, bool is_counted) {
  PushError(lua, text, is_counted);
  return lua_error(lua);
}

void PushReply(lua_State* lua, const char*& at) {
  luaL_checkstack(lua, 8, "reply nested too deeply");
  const char type = *at++;
  switch (type) {
    case ':':
      return lua_pushnumber(lua, static_cast<lua_Number>(Number(at)));
    case '$': {
      const int64_t size = Number(at);
      if (size < 0) return lua_pushboolean(lua, 0);
      lua_pushlstring(lua, at, static_cast<size_t>(size));
      at += size + 2;
      return;
    }
    case '+':
      return PushWrapped(lua, "ok", Line(at));
    case '-': {
      --at;
      const std::string_view line = Line(at);
      return PushError(lua, line, true);
    }
    case '_':
      Line(at);
      return lua_pushnil(lua);
    case '#':
      lua_pushboolean(lua, *at == 't' ? 1 : 0);
      Line(at);
      return;
    case ',': {
      const std::string text(Line(at));
      lua_createtable(lua, 0, 1);
      lua_pushnumber(lua, std::strtod(text.c_str(), nullptr));
      return lua_setfield(lua, -2, "double");
    }
    case '(':
      return PushWrapped(lua, "big_number", Line(at));
    case '=': {
      const auto size = static_cast<size_t>(Number(at));
      lua_createtable(lua, 0, 1);
      lua_createtable(lua, 0, 2);
      PushText(lua, {at + 4, size - 4});
      lua_setfield(lua, -2, "string");
      PushText(lua, {at, 3});
      lua_setfield(lua, -2, "format");
      lua_setfield(lua, -2, "verbatim_string");
      at += size + 2;
      return;
    }
    case '*':
    case '>': {
      const int64_t count = Number(at);
      if (count < 0) return lua_pushboolean(lua, 0);
      lua_createtable(lua, static_cast<int>(count), 0);
      for (int64_t i = 1; i <= count; ++i) {
        PushReply(lua, at);
        lua_rawseti(lua, -2, static_cast<int>(i));
      }
      return;
    }
    case '%':
    case '~': {
      const int64_t count = Number(at);
      lua_createtable(lua, 0, 1);
      lua_createtable(lua, 0, static_cast<int>(count));
      for (int64_t i = 0; i < count; ++i) {
        PushReply(lua, at);
        if (type == '%') {
          PushReply(lua, at);
        } else {
          lua_pushboolean(lua, 1);
        }
        lua_settable(lua, -3);
      }
      return lua_setfield(lua, -2, type == '%' ? "map" : "set");
    }
    default:
      PEAL_CHECK(false);
  }
}

void WriteReply(lua_State* lua, protocol::StringSink& sink, RespVersion version,
                RespVersion script_version, std::string* error) {
  Writer(lua, sink, version, script_version, error).Write(0);
}

}  // namespace peal::broker
