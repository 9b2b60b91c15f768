// A stream of replies gives the same values however it is cut into reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"
#include "protocol/resp/reply_parser.h"

namespace {

using peal::protocol::ParseStatus;
using peal::protocol::ReplyParser;
using peal::protocol::Value;

struct Outcome {
  std::vector<Value> values;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

/// Reads of 1 .. most_bytes octets.
Outcome Parse(std::string_view stream, size_t most_bytes, unsigned seed) {
  std::minstd_rand random(seed);
  Outcome outcome;
  ReplyParser parser({.max_bulk_bytes = 4096, .max_items = 4096, .max_line_bytes = 512});
  std::string kept;
  while (!stream.empty()) {
    const size_t read = 1 + random() % most_bytes;
    kept += stream.substr(0, read);
    stream.remove_prefix(std::min(read, stream.size()));
    for (;;) {
      const ParseStatus status = parser.Next(kept);
      if (status == ParseStatus::kProtocolError) {
        outcome.error = parser.error();
        return outcome;
      }
      kept.erase(0, parser.consumed());
      if (status == ParseStatus::kNeedMore) break;
      static_cast<void>(ToText(parser.value()));
      outcome.values.push_back(parser.value());
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome bytewise = Parse(stream, 1, 1);
  PEAL_CHECK(Parse(stream, size, 1) == bytewise);
  PEAL_CHECK(Parse(stream, 7, 1u + data[0]) == bytewise);
  return 0;
}
