#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "broker/scripts/cache.h"
#include "broker/scripts/lua.h"
#include "protocol/base/result.h"
#include "protocol/resp/encode.h"

namespace peal::broker {

struct CommandContext;
struct CjsonSettings;
struct FunctionLibrary;

/// Bits of redis.set_repl.
enum ReplFlag : int { kReplNone = 0, kReplAof = 1, kReplReplica = 2, kReplAll = 3 };

/// What is to be run: EVAL's or FCALL's arguments, with the permissions that follow from the
/// script's flags and the command.
struct ScriptCall {
  std::string_view name;  // the digest, or the function's name: for errors
  std::span<const std::string_view> keys;
  std::span<const std::string_view> args;
  bool is_function = false;
  bool is_read_only = false;
  bool allows_oom = false;
  Conduct* conduct = nullptr;  // of the script or function: what this run shows is noted there

  /// Whether the stripes of the keys could be enough. If not, the call teaches nothing either: to
  /// compare each key of each command with a million KEYS takes seconds.
  bool HasFewKeys() const;
};

/// One run of a script, as redis.call and the watch over its time see it. On the stack of the
/// command.
struct ScriptRun {
  CommandContext& context;
  const ScriptCall& call;
  protocol::RespVersion resp = protocol::RespVersion::k2;
  int repl = kReplAll;
  uint64_t begin_ticks = 0;
  int64_t begin_cpu_us = 0;     // ThreadCpuUs() then, or a little later; 0: not known yet
  uint64_t changes_before = 0;  // of the transaction around it
  bool is_slow = false;         // beyond busy-reply-threshold; clients get BUSY
  bool has_written = false;     // called a command that writes
  bool has_acted = false;       // did anything that a second run would do twice
  bool has_strayed = false;     // its keys' stripes are not enough for it
  bool must_repeat = false;     // ended in order to run again with the Gate held
};

/// What became of the scripts of one reactor. Its thread, or all reactors parked.
struct ScriptCounts {
  uint64_t shared = 0;     // runs under the stripes of their keys, from beginning to end
  uint64_t exclusive = 0;  // runs with the Gate held, from the beginning or from some point on
  uint64_t repeated = 0;   // ended without having done anything, and run again with the Gate held
  uint64_t conflicts = 0;  // ended halfway, with an error

  ScriptCounts& operator+=(const ScriptCounts& other) {
    shared += other.shared;
    exclusive += other.exclusive;
    repeated += other.repeated;
    conflicts += other.conflicts;
    return *this;
  }
};

/// A Lua state with the sandbox of scripts: one for each reactor, used on its thread only.
///
/// Nothing that a script does is left for the next: globals, libraries and the metatable of strings
/// are behind proxies that cannot be written to, and settings of libraries go back before each run.
/// Memory is counted and bounded; time is watched by a hook and, inside library functions, by
/// Charge. See DESIGN.md.
class LuaEngine {
 public:
  LuaEngine();
  LuaEngine(const LuaEngine&) = delete;
  LuaEngine& operator=(const LuaEngine&) = delete;
  ~LuaEngine();

  static LuaEngine& Of(lua_State* lua) {
    void* engine = nullptr;
    lua_getallocf(lua, &engine);
    return *static_cast<LuaEngine*>(engine);
  }

  /// Bytes above which a script gets "not enough memory". Not while one runs.
  void SetMemoryLimit(size_t bytes) {
    const bool is_lowered = bytes < std::exchange(memory_limit_, bytes);
    if (is_lowered) CollectIfFull();
  }
  size_t memory_limit() const { return memory_limit_; }
  /// Bytes in use by the state. [any thread]
  size_t memory_bytes() const { return used_.load(std::memory_order_relaxed); }
  const ScriptCounts& counts() const { return counts_; }
  void ResetCounts() { counts_ = ScriptCounts(); }

  /// Compiles a script unless that was done. The error is that of EVAL.
  protocol::Result<void> Compile(const ScriptRef& script);
  /// `script` takes the place of another of the same text.
  void Replace(const ScriptRef& script);
  /// The compiled script of a digest; null if it is not known here, or no longer to be used.
  const ScriptRef* FindCompiled(std::string_view sha);
  /// Runs a compiled script and writes its one reply. The unit is exclusive or holds the stripes of
  /// the script's keys; it may become exclusive meanwhile. False: there is no reply, nothing has
  /// been done, and the script is to be run again in an exclusive unit.
  [[nodiscard]] bool Run(CommandContext& context, const Script& script, const ScriptCall& call);

  /// Loads a library in order to learn what it registers; nothing of it stays.
  protocol::Result<void> Load(FunctionLibrary& library, int64_t timeout_ms);
  /// Runs a function of a library, which is loaded here if it was not. Else as Run.
  [[nodiscard]] bool RunFunction(CommandContext& context,
                                 const std::shared_ptr<const FunctionLibrary>& library,
                                 const ScriptCall& call);
  bool IsLoaded(const FunctionLibrary& library) const;
  /// Forgets libraries that no longer exist, if `version` is new.
  void ForgetLibraries(
      uint64_t version,
      const std::unordered_map<std::string, std::shared_ptr<const FunctionLibrary>>& existing);
  uint64_t libraries_version() const { return libraries_version_; }

  /// Runs `code` without any command around it and returns what it returns as text, or the error;
  /// a tenth of a second at most, unless told otherwise.
  /// For tests and fuzzing of the libraries.
  protocol::Result<std::string> Evaluate(std::string_view code, std::string_view argument);
  void set_evaluation_ms(uint64_t ms) { evaluation_ms_ = ms; }

  // --- For the functions that Lua calls.

  ScriptRun* run() { return run_; }
  FunctionLibrary* loading() { return loading_; }
  /// Takes the function on top as that of a name of the library that is being loaded.
  void KeepFunction(lua_State* lua, const std::string& name);
  CjsonSettings& cjson() { return *cjson_; }
  /// Notes work that no instruction counts; looks at the clock when it adds up.
  void Charge(lua_State* lua, size_t work) {
    work_ += work;
    if (work_ >= kWorkBetweenLooks) [[unlikely]]
      Look(lua);
  }
  /// Looks at the clock: serves others if the script is slow, raises an error if it is to end.
  void Look(lua_State* lua);
  /// Raises the error on top again if it is the end of the script, which nothing in it may catch.
  void CheckEnd(lua_State* lua) const {
    if (ending_ != nullptr) [[unlikely]]
      lua_error(lua);
  }
  /// The stripes that the run's unit holds are not enough: it gets the Gate, or an error ends the
  /// script, which nothing in it may catch. Unless `it_must` the script may go on without.
  void TakeEverything(lua_State* lua, bool it_must);
  /// While one lives, `thread` is the coroutine that runs: the one the watch is kept over.
  class Switch {
   public:
    Switch(LuaEngine& engine, lua_State* thread);
    ~Switch();
    Switch(const Switch&) = delete;
    Switch& operator=(const Switch&) = delete;

   private:
    LuaEngine& engine_;
    lua_State* const outer_;
  };
  /// Raises "Attempt to modify a readonly table" if the value at `index` is a proxy.
  static void CheckWritable(lua_State* lua, int index);
  /// Pushes what stands behind the proxy at `index` and returns true; false if that is none.
  static bool PushReal(lua_State* lua, int index);
  /// Replaces the table on top by a proxy of it.
  void Protect();
  /// As luaL_loadbuffer, for text only. Returns its status.
  static int LoadText(lua_State* lua, std::string_view text, const char* chunk_name);
  /// Pushes the metatable that getmetatable shows for strings, and that for the globals.
  void PushStringMeta(lua_State* lua) { lua_rawgeti(lua, LUA_REGISTRYINDEX, string_meta_ref_); }
  void PushGlobalsMeta(lua_State* lua) { lua_rawgeti(lua, LUA_REGISTRYINDEX, globals_meta_ref_); }
  bool IsGlobals(lua_State* lua, int index) const;

  uint32_t NextRandom();  // 31 bits
  void SeedRandom(uint32_t seed) { random_ = (uint64_t{seed} << 16) | 0x330E; }

  std::vector<std::string_view>& call_args() { return call_args_; }
  std::vector<char>& call_digits() { return call_digits_; }
  protocol::StringSink& inner_reply() { return inner_reply_; }

 private:
  // Work is about a nanosecond or an octet; instructions per hook are few since one of them may
  // move many octets. One that compares or reads a string takes up to 20 ns for each octet: the
  // longer the strings are, the fewer instructions go by without a look.
  static constexpr size_t kWorkBetweenLooks = 1'000'000;
  static constexpr size_t kInstructionsBetweenLooks = 1000;
  static constexpr size_t kLongString = 64 * 1024;
  static constexpr size_t kBytesBetweenLooks = size_t{8} << 20;

  struct Compiled {
    ScriptRef script;
    int ref = 0;
  };
  struct LoadedLibrary {
    std::shared_ptr<const FunctionLibrary> library;
    std::unordered_map<std::string, int> refs;  // by the function's name
  };
  struct Task;

  static void* Allocate(void* engine, void* block, size_t old_size, size_t new_size);
  static void Hook(lua_State* lua, lua_Debug* activation);
  static int ErrorHandler(lua_State* lua);
  static int InitProtected(lua_State* lua);
  static int CompileProtected(lua_State* lua);
  static int RunProtected(lua_State* lua);
  static int LoadProtected(lua_State* lua);
  static int EvaluateProtected(lua_State* lua);

  void Init();
  bool Execute(CommandContext& context, const ScriptCall& call, int ref, int environment_ref);
  /// Ends the script.
  void End(lua_State* lua, const char* why);
  /// What the globals of functions lead to from now on.
  void ShowToFunctions(lua_State* lua, int real_ref);
  protocol::Result<void> LoadInto(FunctionLibrary& library, LoadedLibrary* loaded,
                                  int64_t timeout_ms);
  void Unload(LoadedLibrary& loaded);
  void Drop(int ref) { luaL_unref(state_, LUA_REGISTRYINDEX, ref); }
  void DropCompiled();
  void CollectIfFull();
  void Collect();
  void ResetSettings();
  void Watch();
  void StopWatching();
  void KeepWatchOver(lua_State* thread) const;
  int InstructionsBetweenLooks() const;
  void PushStrings(lua_State* lua, std::span<const std::string_view> strings);

  lua_State* state_ = nullptr;
  lua_State* current_ = nullptr;  // the coroutine that runs, or state_
  std::atomic<size_t> used_{0};
  size_t memory_limit_ = size_t{256} << 20;
  size_t allocated_since_look_ = 0;
  size_t collected_to_ = 0;  // bytes in use after the last collection in an emergency
  size_t work_ = 0;
  size_t longest_block_ = 0;      // about the longest string of this run
  const char* ending_ = nullptr;  // why the script is being ended
  bool is_bounded_ = false;       // a script runs: the limit holds
  bool is_watched_ = false;       // and may be ended
  std::mt19937_64 seeds_{std::random_device{}()};
  uint64_t random_ = 0;
  ScriptRun* run_ = nullptr;
  ScriptCounts counts_;
  FunctionLibrary* loading_ = nullptr;
  LoadedLibrary* loading_into_ = nullptr;
  uint64_t evaluation_ms_ = 100;
  uint64_t deadline_ticks_ = 0;       // without a run
  int environment_ref_ = 0;           // globals of scripts
  int environment_real_ref_ = 0;      // what is behind them, for KEYS and ARGV
  int function_environment_ref_ = 0;  // globals of functions
  int function_real_ref_ = 0;         // what they lead to, but
  int load_real_ref_ = 0;             // this while a library is loaded
  int string_meta_ref_ = 0;
  int globals_meta_ref_ = 0;
  std::unique_ptr<CjsonSettings> cjson_;
  std::unordered_map<std::string_view, Compiled> compiled_;  // key: the script's digest
  std::unordered_map<std::string, LoadedLibrary> libraries_;
  uint64_t libraries_version_ = 0;
  std::vector<std::string_view> call_args_;
  std::vector<char> call_digits_;
  protocol::StringSink inner_reply_;
  protocol::StringSink reply_;
};

/// Called by table.sort; where errors are looked for, it is not there.
int ComparesForSort(lua_State* lua);

/// A chunk's name, by which errors name lines.
inline constexpr const char* kScriptChunk = "@user_script";
inline constexpr const char* kFunctionChunk = "@user_function";

// Each adds its functions to the table on top.
void AddBaseLibrary(lua_State* lua);
void AddStringLibrary(lua_State* lua);  // replaces those that no hook reaches
void AddTableLibrary(lua_State* lua);
void AddMathLibrary(lua_State* lua);
void AddCoroutineLibrary(lua_State* lua);
void AddBitLibrary(lua_State* lua);
void AddStructLibrary(lua_State* lua);
void AddCmsgpackLibrary(lua_State* lua);
void AddCjsonLibrary(lua_State* lua);

/// Which functions the table `redis` holds.
enum class RedisTable : uint8_t { kScript, kFunction, kLoad };
void AddRedisLibrary(lua_State* lua, RedisTable which);

/// Raises the error {err = text}, where `text` may begin with '-' and a code, else is "ERR text".
int RaiseError(lua_State* lua, std::string_view text, bool is_counted = false);
/// Pushes {err = text}.
void PushError(lua_State* lua, std::string_view text, bool is_counted = false);

/// Pushes the value of one complete reply at `at`, which moves behind it.
void PushReply(lua_State* lua, const char*& at);
/// Writes the value on top as a reply in `version` and pops it. `error`: takes the text of a reply
/// that is an error which nobody has counted.
void WriteReply(lua_State* lua, protocol::StringSink& sink, protocol::RespVersion version,
                protocol::RespVersion script_version, std::string* error);

}  // namespace peal::broker
