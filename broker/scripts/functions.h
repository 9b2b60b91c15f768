#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/scripts/conduct.h"
#include "protocol/base/result.h"
#include "store/sync/annotations.h"
#include "store/sync/mutex.h"

namespace peal::broker {

/// What a library registered under one name.
struct RegisteredFunction {
  std::string name;
  std::optional<std::string> description;
  uint32_t flags = 0;  // ScriptFlag bits
  std::shared_ptr<Conduct> conduct = std::make_shared<Conduct>();
};

/// A library: its text, and what loading it registers. Never changes once it is in FunctionTable.
struct FunctionLibrary {
  std::string name;
  std::string code;
  size_t header_size = 0;  // of the first line, which is not Lua
  std::vector<RegisteredFunction> functions;
};

using LibraryRef = std::shared_ptr<const FunctionLibrary>;
using Libraries = std::unordered_map<std::string, LibraryRef>;

/// FUNCTION RESTORE's policies.
enum class RestorePolicy : uint8_t { kAppend, kFlush, kReplace };

/// The libraries of the server, with one name space of functions. Each change makes a new version,
/// by which the reactors' engines see that theirs are old. [any thread]
class FunctionTable {
 public:
  struct Found {
    LibraryRef library;
    const RegisteredFunction* function = nullptr;
  };
  /// The function of that name, in any letter case; null members if there is none.
  Found Find(std::string_view name);

  /// Adds a library that was loaded once, so that its functions are known.
  protocol::Result<void> Add(const LibraryRef& library, bool replaces);
  /// Adds many or none.
  protocol::Result<void> Restore(const std::vector<LibraryRef>& libraries, RestorePolicy policy);
  bool Delete(std::string_view name);
  void Flush();

  /// A picture of all libraries, sorted by name.
  std::vector<LibraryRef> All();
  Libraries Current(uint64_t* version);
  uint64_t version() const { return version_.load(std::memory_order_acquire); }
  struct Facts {
    size_t libraries = 0;
    size_t functions = 0;
    size_t bytes = 0;
  };
  Facts facts();

 private:
  static protocol::Result<void> AddTo(Libraries& libraries,
                                      std::unordered_map<std::string, Found>& functions,
                                      const LibraryRef& library, bool replaces);
  static void DeleteFrom(Libraries& libraries, std::unordered_map<std::string, Found>& functions,
                         const std::string& name);

  store::Mutex mutex_{store::LockRank::kLeaf};
  Libraries libraries_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, Found> functions_ GUARDED_BY(mutex_);  // lower-case names
  std::atomic<uint64_t> version_{1};
};

/// FUNCTION DUMP: the libraries' texts as Redis dumps them.
std::string DumpLibraries(const std::vector<LibraryRef>& libraries, bool compress);
/// Hands over the texts in a payload of FUNCTION DUMP, one by one until the first error: there may
/// be many more than can be kept. `payload` is hostile.
protocol::Result<void> ReadLibraries(
    std::string_view payload,
    const std::function<protocol::Result<void>(std::string_view code)>& take);

}  // namespace peal::broker
