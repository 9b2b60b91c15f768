#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/check.h"

namespace peal::protocol {

/// A bulk of at least this many octets may be read by the connection straight to where it will
/// stay.
inline constexpr size_t kLargeBulkBytes = 16 * 1024;

/// What one request may be at most. A client that has not authenticated gets Unauthenticated().
struct RequestLimits {
  uint64_t max_bulk_bytes = uint64_t{512} << 20;  // proto-max-bulk-len
  int64_t max_args = 1'048'576;
  size_t max_inline_bytes = 65'536;  // also for the line of a header
  bool is_authenticated = true;      // decides the wording of the errors

  static constexpr RequestLimits Unauthenticated() {
    return {.max_bulk_bytes = 16'384, .max_args = 10, .is_authenticated = false};
  }
};

enum class ParseStatus { kRequest, kNeedMore, kProtocolError };

/// A bulk of kLargeBulkBytes or more of which not everything has arrived.
struct LargeBulk {
  size_t arg_index;       // 0 is the command name
  size_t argc;            // announced; at most RequestLimits::max_args
  uint64_t total_bytes;   // of the payload
  uint64_t filled_bytes;  // so far, in the input or, once adopted, at the destination
  bool is_adopted;

  uint64_t missing_bytes() const { return total_bytes - filled_bytes; }
};

/// Storage that the parsers of one reactor share: the arguments of the request that was completed
/// last, and spare states for requests that are cut by the end of a read. One thread; outlives its
/// parsers.
class RequestScratch {
 public:
  RequestScratch();
  ~RequestScratch();
  RequestScratch(const RequestScratch&) = delete;
  RequestScratch& operator=(const RequestScratch&) = delete;

 private:
  friend class RequestParser;
  struct Partial;  // an unfinished request

  std::unique_ptr<Partial> TakePartial();
  void GiveBack(std::unique_ptr<Partial> partial);
  void Grow();

  std::vector<std::string_view> args_;  // slots; the first argc_ are in use
  size_t argc_ = 0;
  std::vector<std::unique_ptr<Partial>> spares_;
};

/// Cuts the octets of a client into requests, multibulk and inline, in place.
///
/// How a connection uses it:
///
///     while ((status = parser.Next(input, limits)) == ParseStatus::kRequest) {
///       Execute(parser.args());
///       input = input.subspan(parser.consumed());
///     }
///     // kNeedMore: keep input[retained_from(), retained_to()) and append what arrives next behind
///     it.
///
/// Nothing is looked at twice: headers and arguments of an unfinished request are remembered as
/// offsets from its first octet, so that moving the kept octets is harmless. An idle parser owns no
/// memory. Memory grows with octets received, never with numbers announced.
///
/// Inline requests are unquoted in place, which is why the input is not const.
///
/// One thread, that of its scratch. Source: RESP specification, "Sending commands to a Redis
/// server"; error texts and leniency (two octets after a payload are skipped unread, as is the one
/// after a CR) were observed on redis-server 7.0.15. Differs: a NUL in a line is an octet like any
/// other, where Redis stops looking for the end of the line.
class RequestParser {
 public:
  explicit RequestParser(RequestScratch& scratch) : scratch_(&scratch) {}
  ~RequestParser() { Reset(); }
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Parses one request from the front of `input`; empty requests before it are skipped.
  ///
  /// After kNeedMore the next call's input begins with the octets that were to be retained. After
  /// kProtocolError the parser stays failed until Reset(). While an adopted bulk misses octets the
  /// call changes nothing and says kNeedMore.
  ParseStatus Next(std::span<char> input, const RequestLimits& limits);

  /// After kRequest: the arguments, command name first; at least one. They view the input of that
  /// call or adopted destinations. Valid until any parser of the same scratch is called, and while
  /// the input lives.
  std::span<const std::string_view> args() const {
    return {scratch_->args_.data(), scratch_->argc_};
  }

  /// After kRequest: the request came as a line, whose quotes are gone from the input now.
  bool was_inline() const { return was_inline_; }

  /// Octets of the last input that are done with.
  size_t consumed() const { return consumed_; }

  /// After kNeedMore: the range of that input to keep. Octets behind retained_to() were copied away
  /// by AdoptLargeBulk.
  size_t retained_from() const { return consumed_; }
  size_t retained_to() const { return retained_to_; }

  /// After kProtocolError: the line to send before closing, without '-' and CR LF.
  std::string ErrorText() const;

  /// After kNeedMore: the large bulk that is being received, or nullptr.
  const LargeBulk* large_bulk() const;

  /// After kNeedMore: the arguments completed so far of the unfinished request, in the shared
  /// storage of args(). `input` is that of the last call. Cost: one step per argument.
  std::span<const std::string_view> PartialArgs(std::span<const char> input) const;

  /// Copies what has arrived of large_bulk() to `destination`, which has room for total_bytes,
  /// belongs to the caller and stays where it is until the request has been executed or Reset(). To
  /// be called right after Next, while its input is untouched; large_bulk() must not be adopted
  /// yet. From now on the caller reads up to missing_bytes() more octets straight to destination +
  /// filled_bytes.
  void AdoptLargeBulk(char* destination);

  /// Tells that `n` more octets (at most missing_bytes()) were read to the destination. Once none
  /// is missing, ordinary input goes on with the CR LF behind the payload.
  void LargeBulkFilled(uint64_t n);

  /// True between requests.
  bool is_idle() const { return partial_ == nullptr && fault_ == Fault::kNone; }

  /// Heap octets held for an unfinished request, adopted destinations not counted.
  size_t partial_bytes() const;

  /// Forgets an unfinished request or an error.
  void Reset();

 private:
  using Partial = RequestScratch::Partial;
  enum class Fault : uint8_t {
    kNone,
    kMultibulkLength,
    kUnauthenticatedMultibulk,
    kMultibulkLineTooBig,
    kBulkLength,
    kUnauthenticatedBulk,
    kBulkLineTooBig,
    kNoDollar,
    kInlineTooBig,
    kQuotes,
  };
  enum class Step : uint8_t { kDone, kMore, kFailed };

  Step ReadLine(const char*& at, const char* end, const RequestLimits& limits, Fault too_big,
                std::string_view* line);
  Step ReadBulkLength(const char*& at, const char* end, const RequestLimits& limits,
                      int64_t* length);
  template <typename Emit>
  Step ReadBulks(const char*& at, const char* end, const RequestLimits& limits, int64_t* remaining,
                 int64_t* bulk, Emit&& emit);
  Step ReadInline(char*& at, char* end, const RequestLimits& limits);
  ParseStatus Resume(std::span<char> input, const RequestLimits& limits);
  ParseStatus Fail(Fault fault, char got = 0);
  void NoteLargeBulk(Partial& partial, const char* at, const char* end);

  RequestScratch* scratch_;
  Partial* partial_ = nullptr;   // owned; only while a request is unfinished
  const char* input_ = nullptr;  // of the last call
  size_t consumed_ = 0;
  size_t retained_to_ = 0;
  uint32_t scanned_ = 0;  // octets of the current line known to hold no line end; a line is bounded
  Fault fault_ = Fault::kNone;
  char got_ = 0;
  bool was_inline_ = false;
};
static_assert(sizeof(RequestParser) <= 64);

}  // namespace peal::protocol
