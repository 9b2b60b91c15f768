// string: what stock Lua has, with an own matcher of patterns. The library's own does not let
// anybody in between, and a pattern of twenty characters can keep it busy for hours.
#include <algorithm>
#include <cctype>
#include <climits>
#include <cstring>
#include <string>

#include "broker/scripts/engine.h"

namespace peal::broker {
namespace {

constexpr int kMostCaptures = 32;
constexpr int kDeepest = 500;
constexpr ptrdiff_t kOpen = -1;      // a capture that has begun
constexpr ptrdiff_t kPosition = -2;  // "()"

/// Matches one Lua 5.1 pattern. Source: the Lua 5.1 reference manual, 5.4.1.
class Matcher {
 public:
  Matcher(lua_State* lua, std::string_view text, std::string_view pattern)
      : lua_(lua),
        engine_(LuaEngine::Of(lua)),
        text_(text.data()),
        text_end_(text.data() + text.size()),
        // As in stock Lua a pattern ends at its first NUL.
        pattern_end_(pattern.data() + std::min(pattern.find('\0'), pattern.size())) {}

  /// The end of the match that begins at `at`, or null.
  const char* Match(const char* at, const char* pattern) {
    captures_ = 0;
    depth_ = 0;
    return Step(at, pattern);
  }

  int capture_count() const { return captures_; }

  /// Pushes capture `index`, or the whole match [begin, end) if there are no captures.
  void Push(int index, const char* begin, const char* end) {
    if (index >= captures_) {
      if (index != 0) luaL_error(lua_, "invalid capture index");
      lua_pushlstring(lua_, begin, static_cast<size_t>(end - begin));
      return;
    }
    const Capture& capture = capture_[index];
    if (capture.size == kOpen) luaL_error(lua_, "unfinished capture");
    if (capture.size == kPosition) {
      lua_pushinteger(lua_, capture.begin - text_ + 1);
    } else {
      lua_pushlstring(lua_, capture.begin, static_cast<size_t>(capture.size));
    }
  }

  /// Pushes all captures, or the whole match if there are none and `begin` is given.
  int PushAll(const char* begin, const char* end) {
    const int count = captures_ == 0 && begin != nullptr ? 1 : captures_;
    luaL_checkstack(lua_, count, "too many captures");
    for (int i = 0; i < count; ++i) Push(i, begin, end);
    return count;
  }

 private:
  struct Capture {
    const char* begin;
    ptrdiff_t size;
  };

  static bool IsClass(unsigned char c, unsigned char name) {
    bool is = false;
    switch (std::tolower(name)) {
      case 'a':
        is = std::isalpha(c) != 0;
        break;
      case 'c':
        is = std::iscntrl(c) != 0;
        break;
      case 'd':
        is = std::isdigit(c) != 0;
        break;
      case 'l':
        is = std::islower(c) != 0;
        break;
      case 'p':
        is = std::ispunct(c) != 0;
        break;
      case 's':
        is = std::isspace(c) != 0;
        break;
      case 'u':
        is = std::isupper(c) != 0;
        break;
      case 'w':
        is = std::isalnum(c) != 0;
        break;
      case 'x':
        is = std::isxdigit(c) != 0;
        break;
      case 'z':
        is = c == 0;
        break;
      default:
        return name == c;
    }
    return std::isupper(name) != 0 ? !is : is;
  }

  /// Behind the single-character item at `p`.
  const char* ItemEnd(const char* p) {
    if (*p++ == '%') {
      if (p == pattern_end_) luaL_error(lua_, "malformed pattern (ends with '%%')");
      return p + 1;
    }
    if (p[-1] != '[') return p;
    if (p < pattern_end_ && *p == '^') ++p;
    do {
      if (p >= pattern_end_) luaL_error(lua_, "malformed pattern (missing ']')");
      const bool is_escape = *p == '%';
      ++p;
      if (is_escape && p < pattern_end_) ++p;
    } while (p >= pattern_end_ || *p != ']');
    return p + 1;
  }

  /// `set` is at '[', `end` at its ']'.
  static bool IsInSet(unsigned char c, const char* set, const char* end) {
    bool is_in = true;
    if (set[1] == '^') {
      is_in = false;
      ++set;
    }
    while (++set < end) {
      if (*set == '%') {
        ++set;
        if (IsClass(c, static_cast<unsigned char>(*set))) return is_in;
      } else if (set[1] == '-' && set + 2 < end) {
        if (static_cast<unsigned char>(*set) <= c && c <= static_cast<unsigned char>(set[2])) {
          return is_in;
        }
        set += 2;
      } else if (static_cast<unsigned char>(*set) == c) {
        return is_in;
      }
    }
    return !is_in;
  }

  bool IsOne(const char* at, const char* item, const char* item_end) {
    if (++steps_ >= 1024) {
      engine_.Charge(lua_, steps_ * 8);
      steps_ = 0;
    }
    if (at >= text_end_) return false;
    const auto c = static_cast<unsigned char>(*at);
    switch (*item) {
      case '.':
        return true;
      case '%':
        return IsClass(c, static_cast<unsigned char>(item[1]));
      case '[':
        return IsInSet(c, item, item_end - 1);
      default:
        return static_cast<unsigned char>(*item) == c;
    }
  }

  const char* Step(const char* at, const char* p) {
    if (++depth_ > kDeepest) luaL_error(lua_, "pattern too complex");
    const char* const found = StepInner(at, p);
    --depth_;
    return found;
  }

  const char* StepInner(const char* at, const char* p) {
    for (;;) {
      if (p == pattern_end_) return at;
      if (*p == '(') return Begin(at, p);
      if (*p == ')') return End(at, p + 1);
      if (*p == '%' && p + 1 < pattern_end_) {
        if (p[1] == 'b') {
          at = Balanced(at, p + 2);
          if (at == nullptr) return nullptr;
          p += 4;
          continue;
        }
        if (p[1] == 'f') {
          p += 2;
          if (p >= pattern_end_ || *p != '[')
            luaL_error(lua_, "missing '[' after '%%f' in pattern");
          const char* const end = ItemEnd(p);
          const unsigned char before = at == text_ ? 0 : static_cast<unsigned char>(at[-1]);
          const unsigned char here = at == text_end_ ? 0 : static_cast<unsigned char>(*at);
          if (IsInSet(before, p, end - 1) || !IsInSet(here, p, end - 1)) return nullptr;
          p = end;
          continue;
        }
        if (std::isdigit(static_cast<unsigned char>(p[1])) != 0) {
          at = Again(at, p[1]);
          if (at == nullptr) return nullptr;
          p += 2;
          continue;
        }
      }
      if (*p == '$' && p + 1 == pattern_end_) return at == text_end_ ? at : nullptr;
      const char* const end = ItemEnd(p);
      const char suffix = end < pattern_end_ ? *end : '\0';
      switch (suffix) {
        case '?':
          if (IsOne(at, p, end)) {
            if (const char* const found = Step(at + 1, end + 1)) return found;
          }
          p = end + 1;
          continue;
        case '*':
        case '+': {
          if (suffix == '+' && !IsOne(at, p, end)) return nullptr;
          ptrdiff_t count = suffix == '+' ? 1 : 0;
          const ptrdiff_t least = count;
          while (IsOne(at + count, p, end)) ++count;
          for (; count >= least; --count) {
            engine_.Charge(lua_, 4);
            if (const char* const found = Step(at + count, end + 1)) return found;
          }
          return nullptr;
        }
        case '-':
          for (;; ++at) {
            if (const char* const found = Step(at, end + 1)) return found;
            if (!IsOne(at, p, end)) return nullptr;
          }
        default:
          if (!IsOne(at, p, end)) return nullptr;
          ++at;
          p = end;
      }
    }
  }

  const char* Begin(const char* at, const char* p) {
    const bool is_position = p + 1 < pattern_end_ && p[1] == ')';
    if (captures_ >= kMostCaptures) luaL_error(lua_, "too many captures");
    capture_[captures_++] = {at, is_position ? kPosition : kOpen};
    const char* const found = Step(at, is_position ? p + 2 : p + 1);
    if (found == nullptr) --captures_;
    return found;
  }

  const char* End(const char* at, const char* p) {
    int open = captures_ - 1;
    while (open >= 0 && capture_[open].size != kOpen) --open;
    if (open < 0) luaL_error(lua_, "invalid pattern capture");
    capture_[open].size = at - capture_[open].begin;
    const char* const found = Step(at, p);
    if (found == nullptr) capture_[open].size = kOpen;
    return found;
  }

  const char* Balanced(const char* at, const char* p) {
    if (p + 1 >= pattern_end_) luaL_error(lua_, "unbalanced pattern");
    if (at >= text_end_ || *at != *p) return nullptr;
    const char open = p[0];
    const char close = p[1];
    size_t depth = 1;
    engine_.Charge(lua_, 8);
    for (const char* each = at + 1; each < text_end_; ++each) {
      if (*each == close) {
        if (--depth == 0) {
          engine_.Charge(lua_, static_cast<size_t>(each - at));
          return each + 1;
        }
      } else if (*each == open) {
        ++depth;
      }
    }
    engine_.Charge(lua_, static_cast<size_t>(text_end_ - at));
    return nullptr;
  }

  const char* Again(const char* at, char digit) {
    const int index = digit - '1';
    if (index < 0 || index >= captures_ || capture_[index].size == kOpen) {
      luaL_error(lua_, "invalid capture index");
    }
    const auto size = static_cast<size_t>(capture_[index].size);
    engine_.Charge(lua_, 8);
    if (capture_[index].size < 0 || static_cast<size_t>(text_end_ - at) < size) return nullptr;
    engine_.Charge(lua_, size / 8);
    return std::memcmp(capture_[index].begin, at, size) == 0 ? at + size : nullptr;
  }

  lua_State* lua_;
  LuaEngine& engine_;
  const char* text_;
  const char* text_end_;
  const char* pattern_end_;
  int captures_ = 0;
  int depth_ = 0;
  size_t steps_ = 0;
  Capture capture_[kMostCaptures];
};

std::string_view CheckString(lua_State* lua, int index) {
  size_t size = 0;
  const char* const data = luaL_checklstring(lua, index, &size);
  return {data, size};
}

int FindOrMatch(lua_State* lua, bool is_find) {
  const std::string_view text = CheckString(lua, 1);
  std::string_view pattern = CheckString(lua, 2);
  const auto length = static_cast<ptrdiff_t>(text.size());
  ptrdiff_t init = luaL_optinteger(lua, 3, 1);
  init = init < 0 ? init + length : init - 1;
  if (init < 0) init = 0;
  if (init > length) init = length;
  LuaEngine& engine = LuaEngine::Of(lua);
  const std::string_view seen = pattern.substr(0, pattern.find('\0'));
  if (is_find &&
      (lua_toboolean(lua, 4) != 0 || seen.find_first_of("^$*+?.([%-") == std::string_view::npos)) {
    engine.Charge(lua, text.size());
    // memmem takes linear time whatever the two strings are.
    const void* const found = pattern.empty()
                                  ? text.data() + init
                                  : memmem(text.data() + init, static_cast<size_t>(length - init),
                                           pattern.data(), pattern.size());
    if (found == nullptr) {
      lua_pushnil(lua);
      return 1;
    }
    const ptrdiff_t at = static_cast<const char*>(found) - text.data();
    lua_pushinteger(lua, at + 1);
    lua_pushinteger(lua, at + static_cast<ptrdiff_t>(pattern.size()));
    return 2;
  }
  Matcher matcher(lua, text, pattern);
  const bool is_anchored = pattern.starts_with('^');
  const char* const begin_pattern = pattern.data() + (is_anchored ? 1 : 0);
  for (ptrdiff_t at = init;; ++at) {
    engine.Charge(lua, 8);
    const char* const begin = text.data() + at;
    if (const char* const end = matcher.Match(begin, begin_pattern)) {
      if (!is_find) return matcher.PushAll(begin, end);
      lua_pushinteger(lua, at + 1);
      lua_pushinteger(lua, end - text.data());
      return matcher.PushAll(nullptr, nullptr) + 2;
    }
    if (is_anchored || at >= length) break;
  }
  lua_pushnil(lua);
  return 1;
}

int Find(lua_State* lua) { return FindOrMatch(lua, true); }
int Match(lua_State* lua) { return FindOrMatch(lua, false); }

int NextMatch(lua_State* lua) {
  size_t size = 0;
  const char* const data = lua_tolstring(lua, lua_upvalueindex(1), &size);
  const std::string_view text(data, size);
  const char* const pattern_data = lua_tolstring(lua, lua_upvalueindex(2), &size);
  Matcher matcher(lua, text, {pattern_data, size});
  for (auto at = static_cast<size_t>(lua_tointeger(lua, lua_upvalueindex(3))); at <= text.size();
       ++at) {
    LuaEngine::Of(lua).Charge(lua, 8);
    const char* const begin = text.data() + at;
    const char* const end = matcher.Match(begin, pattern_data);
    if (end == nullptr) continue;
    lua_pushinteger(lua, end - text.data() + (end == begin ? 1 : 0));
    lua_replace(lua, lua_upvalueindex(3));
    return matcher.PushAll(begin, end);
  }
  return 0;
}

int GMatch(lua_State* lua) {
  CheckString(lua, 1);
  CheckString(lua, 2);
  lua_settop(lua, 2);
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, NextMatch, 3);
  return 1;
}

/// Appends what stands in the place of one match.
void AddReplacement(lua_State* lua, luaL_Buffer* out, Matcher& matcher, const char* begin,
                    const char* end) {
  switch (lua_type(lua, 3)) {
    case LUA_TNUMBER:
    case LUA_TSTRING: {
      const std::string_view with = CheckString(lua, 3);
      LuaEngine::Of(lua).Charge(lua, with.size());
      for (size_t i = 0; i < with.size(); ++i) {
        if (with[i] != '%') {
          luaL_addchar(out, with[i]);
          continue;
        }
        // As in stock Lua the NUL behind the text stands for a lone '%' at its end.
        const char c = ++i < with.size() ? with[i] : '\0';
        if (std::isdigit(static_cast<unsigned char>(c)) == 0) {
          luaL_addchar(out, c);
        } else if (c == '0') {
          luaL_addlstring(out, begin, static_cast<size_t>(end - begin));
        } else {
          matcher.Push(c - '1', begin, end);
          luaL_addvalue(out);
        }
      }
      return;
    }
    case LUA_TFUNCTION: {
      lua_pushvalue(lua, 3);
      const int count = matcher.PushAll(begin, end);
      lua_call(lua, count, 1);
      break;
    }
    default:
      matcher.Push(0, begin, end);
      lua_gettable(lua, 3);
  }
  if (lua_toboolean(lua, -1) == 0) {
    lua_pop(lua, 1);
    lua_pushlstring(lua, begin, static_cast<size_t>(end - begin));
  } else if (lua_isstring(lua, -1) == 0) {
    luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
  }
  luaL_addvalue(out);
}

int GSub(lua_State* lua) {
  const std::string_view text = CheckString(lua, 1);
  std::string_view pattern = CheckString(lua, 2);
  const int type = lua_type(lua, 3);
  const lua_Integer most =
      luaL_optinteger(lua, 4, static_cast<lua_Integer>(std::min<size_t>(text.size() + 1, INT_MAX)));
  if (type != LUA_TNUMBER && type != LUA_TSTRING && type != LUA_TFUNCTION && type != LUA_TTABLE) {
    luaL_argerror(lua, 3, "string/function/table expected");
  }
  const bool is_anchored = pattern.starts_with('^');
  Matcher matcher(lua, text, pattern);
  if (is_anchored) pattern.remove_prefix(1);
  luaL_Buffer out;
  luaL_buffinit(lua, &out);
  const char* const begin_pattern = pattern.data();
  const char* at = text.data();
  const char* const text_end = text.data() + text.size();
  lua_Integer count = 0;
  while (count < most) {
    LuaEngine::Of(lua).Charge(lua, 8);
    const char* const end = matcher.Match(at, begin_pattern);
    if (end != nullptr) {
      ++count;
      AddReplacement(lua, &out, matcher, at, end);
    }
    if (end != nullptr && end > at) {
      at = end;
    } else if (at < text_end) {
      luaL_addchar(&out, *at);
      ++at;
    } else {
      break;
    }
    if (is_anchored) break;
  }
  luaL_addlstring(&out, at, static_cast<size_t>(text_end - at));
  luaL_pushresult(&out);
  lua_pushinteger(lua, count);
  return 2;
}

int Rep(lua_State* lua) {
  const std::string_view text = CheckString(lua, 1);
  const auto count = static_cast<int>(luaL_checkinteger(lua, 2));
  if (count <= 0 || text.empty()) {
    lua_pushliteral(lua, "");
    return 1;
  }
  size_t total = 0;
  if (__builtin_mul_overflow(text.size(), static_cast<size_t>(count), &total) || total > INT_MAX) {
    return luaL_error(lua, "not enough memory");
  }
  LuaEngine::Of(lua).Charge(lua, total);
  // Made in the state's own memory, so that its bound holds; by doubling.
  auto* const room = static_cast<char*>(lua_newuserdata(lua, total));
  std::memcpy(room, text.data(), text.size());
  for (size_t done = text.size(); done < total;) {
    const size_t piece = std::min(done, total - done);
    std::memcpy(room + done, room, piece);
    done += piece;
  }
  lua_pushlstring(lua, room, total);
  return 1;
}

/// A stock function (the upvalue) whose work grows with its strings: it is charged for them first.
int Charged(lua_State* lua) {
  size_t work = 1;
  for (int i = 1; i <= lua_gettop(lua); ++i) {
    if (lua_type(lua, i) == LUA_TSTRING) work += lua_objlen(lua, i);
  }
  LuaEngine::Of(lua).Charge(lua, work);
  return lua_tocfunction(lua, lua_upvalueindex(1))(lua);
}

}  // namespace

void AddStringLibrary(lua_State* lua) {
  for (const char* const name : {"byte", "format", "lower", "reverse", "sub", "upper", "dump"}) {
    lua_getfield(lua, -1, name);
    lua_pushcclosure(lua, Charged, 1);
    lua_setfield(lua, -2, name);
  }
  constexpr luaL_Reg kOwn[] = {{"find", Find},    {"match", Match}, {"gmatch", GMatch},
                               {"gfind", GMatch}, {"gsub", GSub},   {"rep", Rep}};
  for (const luaL_Reg& each : kOwn) {
    lua_pushcfunction(lua, each.func);
    lua_setfield(lua, -2, each.name);
  }
}

}  // namespace peal::broker
