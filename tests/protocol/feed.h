#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/resp/parser.h"

namespace peal::tests {

/// What became of a stream: the requests before its end or its first error.
struct Parsed {
  std::vector<std::vector<std::string>> requests;
  std::string error;       // empty if there was none
  size_t large_bulks = 0;  // adopted
  size_t left_bytes = 0;   // of an unfinished request, kept by the caller
  bool operator==(const Parsed& other) const {
    return requests == other.requests && error == other.error;
  }
};

/// Receives octets as a connection does: keeps what the parser wants kept, in a fresh block each
/// time so that stale views show up under AddressSanitizer, and takes large bulks over if told to.
class Feeder {
 public:
  explicit Feeder(protocol::RequestLimits limits = {}, bool adopts = false)
      : limits_(limits), adopts_(adopts) {}

  /// One read of `bytes`. Nothing is taken after an error.
  void Feed(std::string_view bytes) {
    while (!bytes.empty() && parsed_.error.empty()) {
      const protocol::LargeBulk* large = parser_.large_bulk();
      if (large == nullptr || !large->is_adopted || large->missing_bytes() == 0) break;
      const auto size = std::min<size_t>(bytes.size(), large->missing_bytes());
      bytes.copy(destinations_.back().data() + large->filled_bytes, size);
      parser_.LargeBulkFilled(size);
      bytes.remove_prefix(size);
    }
    if (bytes.empty() || !parsed_.error.empty()) return;
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    std::vector<char> block(kept_);
    std::span<char> input(block);
    for (;;) {
      const protocol::ParseStatus status = parser_.Next(input, limits_);
      if (status == protocol::ParseStatus::kProtocolError) {
        parsed_.error = parser_.ErrorText();
        kept_.clear();
        return;
      }
      if (status == protocol::ParseStatus::kNeedMore) break;
      parsed_.requests.emplace_back(parser_.args().begin(), parser_.args().end());
      destinations_.clear();
      input = input.subspan(parser_.consumed());
    }
    const protocol::LargeBulk* large = parser_.large_bulk();
    if (adopts_ && large != nullptr && !large->is_adopted) {
      destinations_.emplace_back(large->total_bytes, '?');
      parser_.AdoptLargeBulk(destinations_.back().data());
      ++parsed_.large_bulks;
    }
    kept_.assign(input.begin() + static_cast<std::ptrdiff_t>(parser_.retained_from()),
                 input.begin() + static_cast<std::ptrdiff_t>(parser_.retained_to()));
  }

  Parsed Take() {
    parsed_.left_bytes = kept_.size();
    return std::move(parsed_);
  }
  protocol::RequestParser& parser() { return parser_; }
  size_t kept_bytes() const { return kept_.size(); }

 private:
  protocol::RequestLimits limits_;
  bool adopts_;
  protocol::RequestScratch scratch_;
  protocol::RequestParser parser_{scratch_};
  std::vector<char> kept_;
  std::deque<std::vector<char>> destinations_;
  Parsed parsed_;
};

/// The whole stream in one read.
inline Parsed ParseWhole(std::string_view stream, protocol::RequestLimits limits = {}) {
  Feeder feeder(limits);
  feeder.Feed(stream);
  return feeder.Take();
}

/// A multibulk request.
inline std::string Request(const std::vector<std::string>& args) {
  std::string out = "*" + std::to_string(args.size()) + "\r\n";
  for (const std::string& arg : args)
    out += "$" + std::to_string(arg.size()) + "\r\n" + arg + "\r\n";
  return out;
}

}  // namespace peal::tests
