#include "broker/scripts/engine.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "broker/exec/worker.h"
#include "broker/metrics/clock.h"
#include "broker/scripts/cjson.h"
#include "broker/scripts/functions.h"
#include "broker/scripts/scripts.h"
#include "protocol/base/check.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::ReplyWriter;
using protocol::Result;

// After so many compilations those of scripts that are gone are looked for.
constexpr size_t kCompilationsBetweenSweeps = 64;
// Loading again what has been loaded before may take longer than the first time: a machine may be
// busy.
constexpr int64_t kReloadTimeoutMs = 5000;
constexpr const char* kConflict =
    "Script ended halfway: it went beyond the keys that it was called with, or took long, while "
    "another script did the same.";
constexpr std::string_view kNoMemory = "not enough memory";

std::string_view TextAt(lua_State* lua, int index) {
  size_t size = 0;
  const char* const data = lua_tolstring(lua, index, &size);
  return data == nullptr ? std::string_view() : std::string_view(data, size);
}

/// As Lua's tostring, without its metamethods.
std::string Describe(lua_State* lua, int index) {
  switch (lua_type(lua, index)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
      return std::string(TextAt(lua, index));
    case LUA_TNIL:
      return "nil";
    case LUA_TBOOLEAN:
      return lua_toboolean(lua, index) != 0 ? "true" : "false";
    default: {
      char text[64];
      std::snprintf(text, sizeof text, "%s: %p", luaL_typename(lua, index),
                    lua_topointer(lua, index));
      return text;
    }
  }
}

}  // namespace

/// What a protected function works on; travels through lua_cpcall.
struct LuaEngine::Task {
  LuaEngine& engine;
  const ScriptCall* call = nullptr;
  int ref = 0;
  int environment_ref = 0;
  std::string_view code;
  std::string_view argument;
  const char* chunk = kScriptChunk;
  std::string error;  // without a code
  bool is_compile_error = false;
  std::string counted_error;  // of the reply, if it is an error that nobody has counted
  std::string result;
};

bool ScriptCall::HasFewKeys() const { return !keys.empty() && keys.size() <= Unit::kExactPlan; }

void* LuaEngine::Allocate(void* engine, void* block, size_t old_size, size_t new_size) {
  auto& self = *static_cast<LuaEngine*>(engine);
  const size_t used = self.used_.load(std::memory_order_relaxed);
  if (new_size == 0) {
    std::free(block);
    self.used_.store(used - old_size, std::memory_order_relaxed);
    return nullptr;
  }
  if (new_size > old_size) {
    const size_t more = new_size - old_size;
    if (self.is_bounded_ && used + more > self.memory_limit_) [[unlikely]]
      return nullptr;
    self.allocated_since_look_ += more;
    if (self.allocated_since_look_ > kBytesBetweenLooks) [[unlikely]] {
      // Much was moved in few instructions: have a look after the next one.
      self.allocated_since_look_ = 0;
      if (self.is_watched_) lua_sethook(self.current_, Hook, LUA_MASKCOUNT, 1);
    }
    if (block == nullptr && new_size > kLongString && new_size > self.longest_block_) [[unlikely]] {
      self.longest_block_ = new_size;
      if (self.is_watched_) {
        lua_sethook(self.current_, Hook, LUA_MASKCOUNT, self.InstructionsBetweenLooks());
      }
    }
  }
  void* const grown = std::realloc(block, new_size);
  if (grown != nullptr) self.used_.store(used - old_size + new_size, std::memory_order_relaxed);
  return grown;
}

LuaEngine::LuaEngine() : cjson_(std::make_unique<CjsonSettings>()) {
  state_ = lua_newstate(Allocate, this);
  PEAL_CHECK(state_ != nullptr);
  current_ = state_;
  PEAL_CHECK(lua_cpcall(state_, InitProtected, this) == 0);
  call_digits_.reserve(256);
}

LuaEngine::~LuaEngine() { lua_close(state_); }

int LuaEngine::InitProtected(lua_State* lua) {
  static_cast<LuaEngine*>(lua_touserdata(lua, 1))->Init();
  return 0;
}

int LuaEngine::LoadText(lua_State* lua, std::string_view text, const char* chunk_name) {
  struct Source {
    std::string_view text;
    bool is_begun;
  };
  Source source{text, false};
  // Compiled code is not looked at by anything that would find it wrong, so it is not let in:
  // behind a blank even its mark is read as text. While the compiler runs nothing is collected: it
  // does not always hold on to the chunk's name (CVE-2025-49844).
  const auto read = [](lua_State*, void* data, size_t* size) -> const char* {
    auto& from = *static_cast<Source*>(data);
    if (!from.is_begun) {
      from.is_begun = true;
      if (from.text.starts_with(LUA_SIGNATURE[0])) {
        *size = 1;
        return " ";
      }
    }
    *size = from.text.size();
    return std::exchange(from.text, std::string_view()).data();
  };
  lua_gc(lua, LUA_GCSTOP, 0);
  const int status = lua_load(lua, read, &source, chunk_name);
  lua_gc(lua, LUA_GCRESTART, 0);
  return status;
}

void LuaEngine::ResetSettings() {
  // Not what the last script left: neither its seed nor its place in the sequence.
  random_ = seeds_() & ((uint64_t{1} << 48) - 1);
  *cjson_ = CjsonSettings();
  work_ = allocated_since_look_ = collected_to_ = longest_block_ = 0;
  ending_ = nullptr;
}

int LuaEngine::InstructionsBetweenLooks() const {
  if (ending_ != nullptr) return 1;
  if (longest_block_ <= kLongString) return kInstructionsBetweenLooks;
  return static_cast<int>(kInstructionsBetweenLooks * kLongString / longest_block_ + 1);
}

void LuaEngine::Watch() {
  is_watched_ = true;
  lua_sethook(state_, Hook, LUA_MASKCOUNT, InstructionsBetweenLooks());
}

void LuaEngine::StopWatching() {
  is_watched_ = false;
  lua_sethook(state_, nullptr, 0, 0);
}

LuaEngine::Switch::Switch(LuaEngine& engine, lua_State* thread)
    : engine_(engine), outer_(engine.current_) {
  engine.current_ = thread;
  engine.KeepWatchOver(thread);
}

LuaEngine::Switch::~Switch() {
  engine_.current_ = outer_;
  engine_.KeepWatchOver(outer_);
}

void LuaEngine::KeepWatchOver(lua_State* thread) const {
  // It may have been made when another script ran, or before strings grew. If nothing is new the
  // instructions go on being counted where they were.
  const int instructions = InstructionsBetweenLooks();
  if (!is_watched_ || (lua_gethook(thread) == Hook && lua_gethookcount(thread) == instructions)) {
    return;
  }
  lua_sethook(thread, Hook, LUA_MASKCOUNT, instructions);
}

// ---------------------------------------------------------------- watching

void LuaEngine::Hook(lua_State* lua, lua_Debug* /*activation*/) { Of(lua).Look(lua); }

void LuaEngine::Look(lua_State* lua) {
  work_ = allocated_since_look_ = 0;
  if (!is_watched_) return;
  lua_sethook(lua, Hook, LUA_MASKCOUNT, InstructionsBetweenLooks());
  // Lua 5.1 collects at a pace of its own and fails when memory ends, garbage or not.
  const size_t used = memory_bytes();
  if (used > memory_limit_ / 2 && used > collected_to_ + memory_limit_ / 8) {
    lua_gc(lua, LUA_GCCOLLECT, 0);
    collected_to_ = memory_bytes();
  }
  if (run_ == nullptr) {
    if (Ticks() > deadline_ticks_) {
      ending_ = loading_ != nullptr ? "FUNCTION LOAD timeout" : "timeout";
      lua_sethook(lua, Hook, LUA_MASKCOUNT, 1);
      luaL_error(lua, "%s", ending_);
    }
    return;
  }
  ScriptsState& scripts = run_->context.server.scripts();
  if (!run_->context.unit.is_exclusive() && ending_ == nullptr) {
    const bool it_must = scripts.IsAboutToBeSlow(*run_);
    if (it_must || ScriptsState::IsLong(*run_)) TakeEverything(lua, it_must);
  }
  if (ending_ == nullptr && scripts.Watch(*run_) == KillRequest::kNone) return;
  if (ending_ != nullptr) return End(lua, ending_);
  End(lua, run_->call.is_function ? "Script killed by user with FUNCTION KILL."
                                  : "Script killed by user with SCRIPT KILL.");
}

void LuaEngine::End(lua_State* lua, const char* why) {
  ending_ = why;
  lua_sethook(lua, Hook, LUA_MASKCOUNT, 1);
  RaiseError(lua, why);
}

void LuaEngine::TakeEverything(lua_State* lua, bool it_must) {
  ScriptRun& run = *run_;
  if (run.context.unit.is_exclusive()) return;
  run.has_strayed = true;
  run.call.conduct->Distrust();
  if (run.context.unit.BecomeExclusive()) return;
  run.must_repeat = !run.has_acted;
  if (it_must || run.must_repeat) End(lua, kConflict);
}

// ---------------------------------------------------------------- scripts

int LuaEngine::CompileProtected(lua_State* lua) {
  auto& task = *static_cast<Task*>(lua_touserdata(lua, 1));
  lua_rawgeti(lua, LUA_REGISTRYINDEX, task.environment_ref);
  lua_replace(lua, LUA_GLOBALSINDEX);
  if (LoadText(lua, task.code, task.chunk) != 0) {
    task.error = TextAt(lua, -1);
    return 0;
  }
  task.ref = luaL_ref(lua, LUA_REGISTRYINDEX);
  return 0;
}

Result<void> LuaEngine::Compile(const ScriptRef& script) {
  if (FindCompiled(script->sha) != nullptr) return {};
  if (compiled_.size() % kCompilationsBetweenSweeps == kCompilationsBetweenSweeps - 1) {
    std::erase_if(compiled_, [this](const auto& each) {
      if (!each.second.script->is_gone.load(std::memory_order_relaxed)) return false;
      Drop(each.second.ref);
      return true;
    });
  }
  // Compiled scripts must not leave those that run without memory.
  if (memory_bytes() > memory_limit_ / 2) DropCompiled();
  Task task{.engine = *this,
            .environment_ref = environment_ref_,
            .code = std::string_view(script->body).substr(script->shebang.size)};
  is_bounded_ = true;
  if (lua_cpcall(state_, CompileProtected, &task) != 0) {
    task.error = kNoMemory;
    lua_settop(state_, 0);
  }
  is_bounded_ = false;
  if (!task.error.empty()) {
    return Error::Owned("ERR Error compiling script (new function): " + task.error);
  }
  compiled_.emplace(script->sha, Compiled{script, task.ref});
  return {};
}

void LuaEngine::DropCompiled() {
  for (const auto& [sha, compiled] : compiled_) Drop(compiled.ref);
  compiled_.clear();
  Collect();
}

void LuaEngine::Replace(const ScriptRef& script) {
  const auto at = compiled_.find(script->sha);
  if (at == compiled_.end() || at->second.script == script) return;
  const int ref = at->second.ref;
  compiled_.erase(at);  // its key belongs to the other
  compiled_.emplace(script->sha, Compiled{script, ref});
}

void LuaEngine::CollectIfFull() {
  if (memory_bytes() > memory_limit_ / 2) Collect();
}

void LuaEngine::Collect() {
  PEAL_DCHECK(!is_bounded_);
  // Those of the last call are no use to anybody, and may be most of what is there.
  lua_rawgeti(state_, LUA_REGISTRYINDEX, environment_real_ref_);
  for (const char* const name : {"KEYS", "ARGV"}) {
    lua_pushnil(state_);
    lua_setfield(state_, -2, name);
  }
  lua_pop(state_, 1);
  lua_gc(state_, LUA_GCCOLLECT, 0);
}

const ScriptRef* LuaEngine::FindCompiled(std::string_view sha) {
  const auto at = compiled_.find(sha);
  if (at == compiled_.end()) return nullptr;
  if (!at->second.script->is_gone.load(std::memory_order_relaxed)) [[likely]]
    return &at->second.script;
  Drop(at->second.ref);
  compiled_.erase(at);
  return nullptr;
}

bool LuaEngine::Run(CommandContext& context, const Script& script, const ScriptCall& call) {
  const auto at = compiled_.find(script.sha);
  PEAL_CHECK(at != compiled_.end());
  return Execute(context, call, at->second.ref, environment_ref_);
}

void LuaEngine::PushStrings(lua_State* lua, std::span<const std::string_view> strings) {
  lua_createtable(lua, static_cast<int>(strings.size()), 0);
  int index = 0;
  for (const std::string_view text : strings) {
    lua_pushlstring(lua, text.data(), text.size());
    lua_rawseti(lua, -2, ++index);
  }
}

int LuaEngine::ErrorHandler(lua_State* lua) {
  lua_settop(lua, 1);
  lua_Debug at;
  int level = 1;
  if (lua_getstack(lua, level, &at) != 0 && lua_getinfo(lua, "f", &at) != 0) {
    if (lua_tocfunction(lua, -1) == ComparesForSort) level = 2;  // stock Lua has no such thing
    lua_pop(lua, 1);
  }
  bool is_known = lua_getstack(lua, level, &at) != 0 && lua_getinfo(lua, "Sl", &at) != 0;
  if (is_known && at.what[0] == 'C') {
    is_known = lua_getstack(lua, level + 1, &at) != 0 && lua_getinfo(lua, "Sl", &at) != 0;
  }
  if (!lua_istable(lua, 1) || PushReal(lua, 1)) {
    const std::string text = Describe(lua, 1);
    lua_createtable(lua, 0, 3);
    lua_pushlstring(lua, ("ERR " + text).data(), text.size() + 4);
    lua_setfield(lua, -2, "err");
  } else {
    lua_pushvalue(lua, 1);
  }
  if (!is_known) return 1;
  lua_pushliteral(lua, "source");
  lua_pushstring(lua, at.source);
  lua_rawset(lua, -3);
  lua_pushliteral(lua, "line");
  lua_pushinteger(lua, at.currentline);
  lua_rawset(lua, -3);
  return 1;
}

int LuaEngine::RunProtected(lua_State* lua) {
  auto& task = *static_cast<Task*>(lua_touserdata(lua, 1));
  LuaEngine& self = task.engine;
  const ScriptCall& call = *task.call;
  lua_settop(lua, 0);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, task.environment_ref);
  lua_replace(lua, LUA_GLOBALSINDEX);
  lua_pushcfunction(lua, ErrorHandler);
  if (call.is_function) {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, task.ref);
    self.PushStrings(lua, call.keys);
    self.PushStrings(lua, call.args);
  } else {
    lua_rawgeti(lua, LUA_REGISTRYINDEX, self.environment_real_ref_);
    self.PushStrings(lua, call.keys);
    lua_setfield(lua, -2, "KEYS");
    self.PushStrings(lua, call.args);
    lua_setfield(lua, -2, "ARGV");
    lua_pop(lua, 1);
    lua_rawgeti(lua, LUA_REGISTRYINDEX, task.ref);
  }
  self.Watch();
  const int status = lua_pcall(lua, call.is_function ? 2 : 0, 1, 1);
  const ScriptRun& run = *self.run_;
  if (status == 0) {
    // Still watched: a small table may make a large reply.
    WriteReply(lua, self.reply_, run.context.reply.version(), run.resp, &task.counted_error);
    return 0;
  }
  if (!lua_istable(lua, -1)) {
    task.error =
        "Error running script " + std::string(call.name) + ", " + Describe(lua, -1).substr(0, 100);
    return 0;
  }
  const auto field = [&](const char* name) {
    lua_pushstring(lua, name);
    lua_rawget(lua, 2);
    std::string text;
    if (lua_isstring(lua, -1) != 0) text = TextAt(lua, -1);
    lua_pop(lua, 1);
    return text;
  };
  lua_insert(lua, 2);
  lua_settop(lua, 2);
  task.error = field("err");
  if (task.error.empty()) task.error = "ERR unknown error";
  const std::string source = field("source");
  const std::string line = field("line");
  lua_pushliteral(lua, "ignore_error_stats_update");
  lua_rawget(lua, 2);
  const bool is_counted = lua_toboolean(lua, -1) != 0;
  if (!source.empty() && !line.empty()) {
    task.error += " script: ";
    task.error += call.name;
    task.error += ", on " + source + ":" + line + ".";
  }
  ReplyWriter(self.reply_, run.context.reply.version()).ErrorLine(task.error);
  if (!is_counted) task.counted_error = task.error;
  task.error.clear();
  return 0;
}

bool LuaEngine::Execute(CommandContext& context, const ScriptCall& call, int ref,
                        int environment_ref) {
  PEAL_CHECK(run_ == nullptr);
  Session& session = context.client.session();
  const uint32_t db = session.db;
  ScriptRun run{.context = context,
                .call = call,
                .begin_ticks = Ticks(),
                .begin_cpu_us = call.conduct->IsOnTrial() ? ThreadCpuUs() : 0,
                .changes_before = context.unit.changes()};
  run_ = &run;
  SetMemoryLimit(context.server.config().lua_memory_limit_bytes);
  ResetSettings();
  reply_.Clear();
  Task task{.engine = *this, .call = &call, .ref = ref, .environment_ref = environment_ref};
  is_bounded_ = true;
  if (lua_cpcall(state_, RunProtected, &task) != 0) {
    task.error = ending_ != nullptr ? std::string_view(ending_) : TextAt(state_, -1);
    if (task.error.empty()) task.error = kNoMemory;
    lua_settop(state_, 0);
  }
  StopWatching();
  is_bounded_ = false;
  context.server.scripts().End(run);
  run_ = nullptr;
  context.unit.MuteEffects(false);
  session.db = db;
  context.unit.set_db(db);
  if (run.must_repeat) {
    ++counts_.repeated;
    reply_.Clear();
    return false;
  }
  ++(context.unit.is_exclusive() ? counts_.exclusive : counts_.shared);
  if (ending_ == kConflict) ++counts_.conflicts;
  if (call.conduct->IsOnTrial() && call.HasFewKeys()) {
    if (!run.has_strayed && !ScriptsState::IsLong(run)) {
      call.conduct->NoteGoodRun();
    } else {
      call.conduct->Distrust();
    }
  }
  if (!task.error.empty()) {
    reply_.Clear();
    context.Fail(Error::Owned("ERR " + task.error));
  } else {
    if (!task.counted_error.empty()) {
      context.worker.stats().CountError(Error::Owned(task.counted_error).code());
      context.worker.stats().CountFailed(context.worker.running_index());
    }
    context.reply.sink().Append(reply_.view());
  }
  reply_.Clear(kBytesBetweenLooks);
  inner_reply_.Clear(kBytesBetweenLooks);
  CollectIfFull();
  return true;
}

// ---------------------------------------------------------------- functions

void LuaEngine::ShowToFunctions(lua_State* lua, int real_ref) {
  lua_rawgeti(lua, LUA_REGISTRYINDEX, function_environment_ref_);
  lua_getmetatable(lua, -1);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, real_ref);
  lua_setfield(lua, -2, "__index");
  lua_pop(lua, 2);
}

int LuaEngine::LoadProtected(lua_State* lua) {
  auto& task = *static_cast<Task*>(lua_touserdata(lua, 1));
  LuaEngine& self = task.engine;
  lua_settop(lua, 0);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, self.function_environment_ref_);
  lua_replace(lua, LUA_GLOBALSINDEX);
  // A library sees less while it loads than its functions see later, through the same globals.
  self.ShowToFunctions(lua, self.load_real_ref_);
  lua_pushcfunction(lua, ErrorHandler);
  if (LoadText(lua, task.code, kFunctionChunk) != 0) {
    task.error = TextAt(lua, -1);
    task.is_compile_error = true;
    return 0;
  }
  self.Watch();
  if (lua_pcall(lua, 0, 0, 1) != 0) {
    if (lua_istable(lua, -1)) {
      lua_pushliteral(lua, "err");
      lua_rawget(lua, -2);
    }
    task.error = lua_isstring(lua, -1) != 0 ? TextAt(lua, -1) : "ERR unknown error";
  }
  return 0;
}

Result<void> LuaEngine::LoadInto(FunctionLibrary& library, LoadedLibrary* loaded,
                                 int64_t timeout_ms) {
  Task task{.engine = *this, .code = std::string_view(library.code).substr(library.header_size)};
  // A run may be under way that calls a function of this library for the first time: it has not
  // begun yet.
  PEAL_CHECK(run_ == nullptr && loading_ == nullptr);
  loading_ = &library;
  loading_into_ = loaded;
  deadline_ticks_ = Ticks() + UsToTicks(static_cast<uint64_t>(timeout_ms) * 1000);
  ResetSettings();
  is_bounded_ = true;
  if (lua_cpcall(state_, LoadProtected, &task) != 0) {
    task.error = kNoMemory;
    lua_settop(state_, 0);
  }
  StopWatching();
  is_bounded_ = false;
  CollectIfFull();
  ShowToFunctions(state_, function_real_ref_);
  loading_ = nullptr;
  loading_into_ = nullptr;
  if (task.error.empty() && library.functions.empty()) {
    return Error::Static("ERR No functions registered");
  }
  if (task.error.empty()) return {};
  return Error::Owned((task.is_compile_error ? "ERR Error compiling function: "
                                             : "ERR Error registering functions: ") +
                      task.error);
}

void LuaEngine::Unload(LoadedLibrary& loaded) {
  for (const auto& [name, ref] : loaded.refs) Drop(ref);
  loaded.refs.clear();
}

Result<void> LuaEngine::Load(FunctionLibrary& library, int64_t timeout_ms) {
  LoadedLibrary loaded;
  auto result = LoadInto(library, &loaded, timeout_ms);
  Unload(loaded);
  return result;
}

void LuaEngine::ForgetLibraries(uint64_t version, const Libraries& existing) {
  libraries_version_ = version;
  for (auto at = libraries_.begin(); at != libraries_.end();) {
    const auto found = existing.find(at->first);
    if (found != existing.end() && found->second == at->second.library) {
      ++at;
      continue;
    }
    Unload(at->second);
    at = libraries_.erase(at);
  }
}

bool LuaEngine::IsLoaded(const FunctionLibrary& library) const {
  const auto at = libraries_.find(library.name);
  return at != libraries_.end() && at->second.library.get() == &library;
}

bool LuaEngine::RunFunction(CommandContext& context, const LibraryRef& library,
                            const ScriptCall& call) {
  LoadedLibrary& loaded = libraries_[library->name];
  if (loaded.library != library) {
    Unload(loaded);
    loaded.library = library;
    // What was learnt when it came is not learnt again; only the functions themselves.
    FunctionLibrary copy{.name = library->name,
                         .code = library->code,
                         .header_size = library->header_size,
                         .functions = {}};
    const auto result = LoadInto(copy, &loaded, kReloadTimeoutMs);
    if (!result.ok()) {
      Unload(loaded);
      libraries_.erase(library->name);
      context.Fail(result.error());
      return true;
    }
  }
  const auto at = loaded.refs.find(std::string(call.name));
  if (at == loaded.refs.end()) {
    context.Fail(Error::Static("ERR Function not found"));
    return true;
  }
  return Execute(context, call, at->second, function_environment_ref_);
}

void LuaEngine::KeepFunction(lua_State* lua, const std::string& name) {
  const int ref = luaL_ref(lua, LUA_REGISTRYINDEX);
  if (loading_into_ == nullptr) return Drop(ref);
  loading_into_->refs[name] = ref;
}

// ---------------------------------------------------------------- for tests

int LuaEngine::EvaluateProtected(lua_State* lua) {
  auto& task = *static_cast<Task*>(lua_touserdata(lua, 1));
  lua_settop(lua, 0);
  lua_rawgeti(lua, LUA_REGISTRYINDEX, task.environment_ref);
  lua_replace(lua, LUA_GLOBALSINDEX);
  if (LoadText(lua, task.code, task.chunk) != 0) {
    task.error = TextAt(lua, -1);
    return 0;
  }
  lua_pushlstring(lua, task.argument.data(), task.argument.size());
  task.engine.Watch();
  if (lua_pcall(lua, 1, 1, 0) != 0) {
    task.error = Describe(lua, -1);
  } else {
    task.result = Describe(lua, -1);
  }
  return 0;
}

Result<std::string> LuaEngine::Evaluate(std::string_view code, std::string_view argument) {
  Task task{
      .engine = *this, .environment_ref = environment_ref_, .code = code, .argument = argument};
  ResetSettings();
  deadline_ticks_ = Ticks() + UsToTicks(evaluation_ms_ * 1000);
  is_bounded_ = true;
  if (lua_cpcall(state_, EvaluateProtected, &task) != 0) {
    task.error = kNoMemory;
    lua_settop(state_, 0);
  }
  StopWatching();
  is_bounded_ = false;
  CollectIfFull();
  if (!task.error.empty()) return Error::Owned("ERR " + task.error);
  return std::move(task.result);
}

}  // namespace peal::broker
