// What scripts do with hostile bytes: cmsgpack, cjson and struct decode any octets or raise an
// error, and what they decoded they encode and decode again; patterns end; the compiler
// takes any text; payloads of FUNCTION RESTORE are refused or give texts. The first octet chooses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/scripts/engine.h"
#include "broker/scripts/functions.h"
#include "broker/scripts/shebang.h"
#include "protocol/base/check.h"
#include "store/rdb/payload.h"

namespace {

using peal::broker::LuaEngine;

constexpr std::string_view kScripts[] = {
    // What has been read can be written and read again; nil at an end and what is nested deeper
    // than 16 is lost, which in the key of a map leaves no map that can be read.
    "local values = {cmsgpack.unpack(...)} if #values == 0 then return 'none' end "
    "local ok, why = pcall(function() return cmsgpack.unpack(cmsgpack.pack(unpack(values))) end) "
    "return (ok or why == 'table index is nil') and 'same' or 'other'",
    "local ok, next_offset = pcall(cmsgpack.unpack_one, ...) return 'one'",
    "local value = cjson.decode(...) local ok, text = pcall(cjson.encode, value) "
    "if not ok then return 'none' end "
    "return #cjson.encode(cjson.decode(text)) == #text and 'same' or 'other'",
    "local format, data = string.match(..., '^([^%z]*)%z(.*)$') "
    "if not format then return 'none' end struct.unpack(format, data) return 'read'",
    "local format = ... pcall(struct.size, format) struct.pack(format, 1, 2, 'abc', 4) "
    "return 'packed'",
    "local pattern, text = string.match(..., '^([^%z]*)%z(.*)$') "
    "if not pattern then return 'none' end string.find(text, pattern) "
    "string.gsub(text, pattern, '%0%1') for a in string.gmatch(text, pattern) do end return 'done'",
    "return type(loadstring(...))",
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  static LuaEngine* const engine = [] {
    auto* made = new LuaEngine;
    made->SetMemoryLimit(size_t{16} << 20);
    return made;
  }();
  const size_t kind = data[0] % (std::size(kScripts) + 1);
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (kind < std::size(kScripts)) {
    const auto result = engine->Evaluate(kScripts[kind], bytes);
    PEAL_CHECK(!result.ok() || *result != "other");
    return 0;
  }
  std::string payload(bytes);
  peal::store::rdb::AppendFooter(payload, 10);
  (void)peal::broker::ReadLibraries(payload,
                                    [](std::string_view code) -> peal::protocol::Result<void> {
                                      const auto header = peal::broker::ParseLibraryHeader(code);
                                      if (!header.ok()) return header.error();
                                      return {};
                                    });
  return 0;
}
