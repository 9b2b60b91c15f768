#include "broker/scripts/functions.h"

#include <algorithm>
#include <utility>

#include "broker/scripts/shebang.h"
#include "protocol/base/text.h"
#include "store/rdb/payload.h"
#include "store/rdb/reader.h"
#include "store/rdb/writer.h"

namespace peal::broker {
namespace {

using protocol::Error;
using protocol::LowerCase;
using protocol::Result;

constexpr Error kBadPayload = Error::Static("ERR DUMP payload version or checksum are wrong");
// The mark of a library in RDB files and dumps, and the version that knows it.
constexpr uint8_t kLibraryMark = 0xf5;
constexpr uint8_t kOldLibraryMark = 0xf6;
constexpr uint16_t kDumpVersion = 10;

}  // namespace

FunctionTable::Found FunctionTable::Find(std::string_view name) {
  const std::string key = LowerCase(name);
  const store::MutexLock lock(mutex_);
  const auto at = functions_.find(key);
  return at == functions_.end() ? Found() : at->second;
}

void FunctionTable::DeleteFrom(Libraries& libraries,
                               std::unordered_map<std::string, Found>& functions,
                               const std::string& name) {
  const auto at = libraries.find(name);
  if (at == libraries.end()) return;
  for (const RegisteredFunction& each : at->second->functions) {
    functions.erase(LowerCase(each.name));
  }
  libraries.erase(at);
}

Result<void> FunctionTable::AddTo(Libraries& libraries,
                                  std::unordered_map<std::string, Found>& functions,
                                  const LibraryRef& library, bool replaces) {
  if (!replaces && libraries.contains(library->name)) {
    return Error::Owned("ERR Library '" + library->name + "' already exists");
  }
  for (const RegisteredFunction& each : library->functions) {
    const auto at = functions.find(LowerCase(each.name));
    if (at != functions.end() && at->second.library->name != library->name) {
      return Error::Owned("ERR Function " + each.name + " already exists");
    }
  }
  DeleteFrom(libraries, functions, library->name);
  libraries[library->name] = library;
  for (const RegisteredFunction& each : library->functions) {
    functions[LowerCase(each.name)] = Found{library, &each};
  }
  return {};
}

Result<void> FunctionTable::Add(const LibraryRef& library, bool replaces) {
  const store::MutexLock lock(mutex_);
  auto added = AddTo(libraries_, functions_, library, replaces);
  if (added.ok()) version_.fetch_add(1, std::memory_order_release);
  return added;
}

Result<void> FunctionTable::Restore(const std::vector<LibraryRef>& restored, RestorePolicy policy) {
  const store::MutexLock lock(mutex_);
  Libraries libraries;
  std::unordered_map<std::string, Found> functions;
  if (policy != RestorePolicy::kFlush) {
    libraries = libraries_;
    functions = functions_;
  }
  for (const LibraryRef& library : restored) {
    if (policy == RestorePolicy::kAppend && libraries.contains(library->name)) {
      return Error::Owned("ERR Library " + library->name + " already exists");
    }
    auto added = AddTo(libraries, functions, library, policy == RestorePolicy::kReplace);
    if (!added.ok()) return added;
  }
  libraries_ = std::move(libraries);
  functions_ = std::move(functions);
  version_.fetch_add(1, std::memory_order_release);
  return {};
}

bool FunctionTable::Delete(std::string_view name) {
  const store::MutexLock lock(mutex_);
  const std::string key(name);
  if (!libraries_.contains(key)) return false;
  DeleteFrom(libraries_, functions_, key);
  version_.fetch_add(1, std::memory_order_release);
  return true;
}

void FunctionTable::Flush() {
  const store::MutexLock lock(mutex_);
  libraries_.clear();
  functions_.clear();
  version_.fetch_add(1, std::memory_order_release);
}

std::vector<LibraryRef> FunctionTable::All() {
  std::vector<LibraryRef> all;
  {
    const store::MutexLock lock(mutex_);
    all.reserve(libraries_.size());
    for (const auto& [name, library] : libraries_) all.push_back(library);
  }
  std::sort(all.begin(), all.end(),
            [](const LibraryRef& a, const LibraryRef& b) { return a->name < b->name; });
  return all;
}

Libraries FunctionTable::Current(uint64_t* version) {
  const store::MutexLock lock(mutex_);
  *version = version_.load(std::memory_order_relaxed);
  return libraries_;
}

FunctionTable::Facts FunctionTable::facts() {
  const store::MutexLock lock(mutex_);
  Facts facts{.libraries = libraries_.size(), .functions = functions_.size()};
  for (const auto& [name, library] : libraries_) {
    facts.bytes += sizeof(FunctionLibrary) + library->code.size() +
                   library->functions.size() * (sizeof(RegisteredFunction) + sizeof(Found));
  }
  return facts;
}

std::string DumpLibraries(const std::vector<LibraryRef>& libraries, bool compress) {
  std::string out;
  store::rdb::Writer writer(out, compress);
  for (const LibraryRef& library : libraries) {
    writer.Byte(kLibraryMark);
    writer.String(library->code);
  }
  store::rdb::AppendFooter(out, kDumpVersion);
  return out;
}

Result<void> ReadLibraries(std::string_view payload,
                           const std::function<Result<void>(std::string_view code)>& take) {
  const auto body = store::rdb::PayloadBody(payload);
  if (!body.has_value()) return kBadPayload;
  store::rdb::Reader reader(*body);
  std::string scratch;
  while (reader.Remaining() > 0) {
    const uint8_t mark = reader.Byte();
    if (mark == kOldLibraryMark) {
      return Error::Static("ERR Pre-GA function format not supported");
    }
    if (mark != kLibraryMark) return Error::Static("ERR given type is not a function");
    const std::string_view code = reader.String(scratch);
    if (!reader.ok()) return Error::Static("ERR Failed loading library data");
    PEAL_RETURN_IF_ERROR(take(code));
  }
  return {};
}

}  // namespace peal::broker
