// A stream of requests gives the same result however it is cut into reads, and whether or not large
// bulks are taken over. The first octets of the input choose cuts, limits and how the rest is
// meant: as a stream, or as sizes of the arguments of right requests with one octet changed.
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"
#include "tests/protocol/feed.h"

namespace {

using peal::protocol::RequestLimits;

std::string Generate(std::string_view sizes) {
  std::string stream;
  size_t at = 0;
  const auto next = [&] { return at < sizes.size() ? static_cast<uint8_t>(sizes[at++]) : 0; };
  while (at < sizes.size() && stream.size() < 300'000) {
    std::vector<std::string> args(1 + next() % 5);
    for (std::string& arg : args) {
      const int size = next();
      arg.assign(static_cast<size_t>(size < 224 ? size : 16'000 + 400 * (size - 224)), 'a');
    }
    stream += peal::tests::Request(args);
  }
  if (!stream.empty() && next() % 2 == 0 && !sizes.empty()) {
    const size_t where =
        (static_cast<size_t>(static_cast<uint8_t>(sizes[0])) * 977) % stream.size();
    stream[where] = sizes.back();
  }
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4) return 0;
  std::minstd_rand random(data[0] + 256u * data[1]);
  const bool is_raw = (data[2] & 1) != 0;
  const RequestLimits limits =
      (data[2] & 2) != 0 ? RequestLimits::Unauthenticated() : RequestLimits{.max_args = 1000};
  const size_t most = (data[2] & 4) != 0 ? 3 : (data[2] & 8) != 0 ? 5'000 : 40'000;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::string stream = is_raw ? std::string(rest) : Generate(rest);

  const peal::tests::Parsed whole = peal::tests::ParseWhole(stream, limits);
  peal::tests::Feeder feeder(limits, (data[2] & 16) != 0);
  for (size_t at = 0; at < stream.size();) {
    // Tiny reads of a long stream only at its beginning: each read copies what was kept.
    const size_t read = 1 + random() % (at > 4'000 && most == 3 ? 20'000 : most);
    feeder.Feed(std::string_view(stream).substr(at, read));
    at += read;
  }
  PEAL_CHECK(feeder.Take() == whole);
  return 0;
}
