#include "protocol/resp/parser.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/number.h"

namespace peal::protocol {
namespace {

constexpr size_t kSpares = 64;

bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char Unescaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

/// Takes one word off the front of a line, quotes and escapes removed in place (the result is never
/// longer than its source). Returns false if quotes do not balance. `at` is past any space before
/// the word.
bool TakeWord(char*& at, char* end, std::string_view* word) {
  char* const begin = at;
  char* out = at;
  char quote = 0;
  while (at < end) {
    const char c = *at;
    if (quote == 0) {
      if (c == ' ' || c == '\n' || c == '\r' || c == '\t') break;
      ++at;
      if (c == '"' || c == '\'') {
        quote = c;
      } else {
        *out++ = c;
      }
      continue;
    }
    if (quote == '"' && c == '\\' && end - at >= 4 && at[1] == 'x' && HexDigit(at[2]) >= 0 &&
        HexDigit(at[3]) >= 0) {
      *out++ = static_cast<char>(HexDigit(at[2]) * 16 + HexDigit(at[3]));
      at += 4;
    } else if (quote == '"' && c == '\\' && end - at >= 2) {
      *out++ = Unescaped(at[1]);
      at += 2;
    } else if (quote == '\'' && c == '\\' && end - at >= 2 && at[1] == '\'') {
      *out++ = '\'';
      at += 2;
    } else if (c == quote) {
      ++at;
      if (at < end && !IsSpace(*at)) return false;  // a closing quote ends its word
      *word = {begin, static_cast<size_t>(out - begin)};
      return true;
    } else {
      *out++ = c;
      ++at;
    }
  }
  *word = {begin, static_cast<size_t>(out - begin)};
  return quote == 0;
}

}  // namespace

/// An unfinished multibulk request. Offsets count from its first octet.
struct RequestScratch::Partial {
  struct Arg {
    const char* adopted;  // or null: at `offset` of the kept octets
    size_t offset;
    size_t length;
  };
  std::vector<Arg> args;
  int64_t argc = 0;
  int64_t remaining = 0;
  int64_t bulk = -1;  // length of the payload that comes next; -1: its header comes next
  size_t at = 0;      // where parsing goes on
  char* destination = nullptr;
  LargeBulk large{};
  bool has_large = false;
};

RequestScratch::RequestScratch() { args_.resize(16); }
RequestScratch::~RequestScratch() = default;

std::unique_ptr<RequestScratch::Partial> RequestScratch::TakePartial() {
  if (spares_.empty()) return std::make_unique<Partial>();
  auto partial = std::move(spares_.back());
  spares_.pop_back();
  return partial;
}

void RequestScratch::GiveBack(std::unique_ptr<Partial> partial) {
  if (spares_.size() >= kSpares || partial->args.capacity() > 1024) return;
  auto args = std::move(partial->args);
  args.clear();
  *partial = Partial{};
  partial->args = std::move(args);
  spares_.push_back(std::move(partial));
}

void RequestScratch::Grow() { args_.resize(args_.size() * 2); }

RequestParser::Step RequestParser::ReadLine(const char*& at, const char* end,
                                            const RequestLimits& limits, Fault too_big,
                                            std::string_view* line) {
  // Lengths have few digits: looking octet by octet beats a call of memchr.
  const char* p = at + scanned_;
  while (p < end && *p != '\r') ++p;
  const auto seen = static_cast<size_t>(p - at);
  if (seen > limits.max_inline_bytes) {
    Fail(too_big);
    return Step::kFailed;
  }
  if (end - p < 2) {
    scanned_ = static_cast<uint32_t>(seen);
    return Step::kMore;
  }
  scanned_ = 0;
  *line = {at, seen};
  at = p + 2;
  return Step::kDone;
}

RequestParser::Step RequestParser::ReadBulkLength(const char*& at, const char* end,
                                                  const RequestLimits& limits, int64_t* length) {
  // The usual header, whole and of at most five digits, in one look.
  if (end - at >= 4 && at[0] == '$' && scanned_ == 0) {
    const char* p = at + 1;
    int64_t value = 0;
    int digits = 0;
    while (p < end && digits < 6 && *p >= '0' && *p <= '9') {
      value = value * 10 + (*p++ - '0');
      ++digits;
    }
    const bool canonical = digits != 0 && (at[1] != '0' || digits == 1);
    if (canonical && end - p >= 2 && p[0] == '\r' && value <= 16'384 &&
        static_cast<uint64_t>(value) <= limits.max_bulk_bytes) {
      at = p + 2;
      *length = value;
      return Step::kDone;
    }
  }
  std::string_view line;
  const Step step = ReadLine(at, end, limits, Fault::kBulkLineTooBig, &line);
  if (step != Step::kDone) return step;
  if (line.empty() || line[0] != '$') {
    Fail(Fault::kNoDollar, line.empty() ? '\r' : line[0]);
    return Step::kFailed;
  }
  const auto value = ParseInt64(line.substr(1));
  if (!value || *value < 0 ||
      (limits.is_authenticated && static_cast<uint64_t>(*value) > limits.max_bulk_bytes)) {
    Fail(Fault::kBulkLength);
    return Step::kFailed;
  }
  if (static_cast<uint64_t>(*value) > limits.max_bulk_bytes) {
    Fail(Fault::kUnauthenticatedBulk);
    return Step::kFailed;
  }
  *length = *value;
  return Step::kDone;
}

template <typename Emit>
RequestParser::Step RequestParser::ReadBulks(const char*& at, const char* end,
                                             const RequestLimits& limits, int64_t* remaining,
                                             int64_t* bulk, Emit&& emit) {
  while (*remaining > 0) {
    if (*bulk < 0) {
      const Step step = ReadBulkLength(at, end, limits, bulk);
      if (step != Step::kDone) return step;
    }
    if (end - at < *bulk + 2) return Step::kMore;
    emit(at, static_cast<size_t>(*bulk));
    at += *bulk + 2;
    *bulk = -1;
    --*remaining;
  }
  return Step::kDone;
}

ParseStatus RequestParser::Next(std::span<char> input, const RequestLimits& limits) {
  if (fault_ != Fault::kNone) return ParseStatus::kProtocolError;
  input_ = input.data();
  consumed_ = 0;
  retained_to_ = input.size();
  was_inline_ = false;
  if (partial_ != nullptr) return Resume(input, limits);
  char* const begin = input.data();
  char* const end = begin + input.size();
  const char* at = begin;
  for (;;) {
    consumed_ = static_cast<size_t>(at - begin);
    if (at == end) return ParseStatus::kNeedMore;
    if (*at != '*') {
      char* line = begin + consumed_;
      const Step step = ReadInline(line, end, limits);
      if (step == Step::kMore) return ParseStatus::kNeedMore;
      if (step == Step::kFailed) return ParseStatus::kProtocolError;
      at = line;
      if (scratch_->argc_ == 0) continue;
      was_inline_ = true;
      consumed_ = static_cast<size_t>(at - begin);
      return ParseStatus::kRequest;
    }
    const char* const request = at;
    std::string_view line;
    const Step head = ReadLine(at, end, limits, Fault::kMultibulkLineTooBig, &line);
    if (head == Step::kMore) return ParseStatus::kNeedMore;
    if (head == Step::kFailed) return ParseStatus::kProtocolError;
    int64_t argc = 0;
    if (line.size() == 2 && line[1] >= '0' && line[1] <= '9') {
      argc = line[1] - '0';
    } else {
      const auto announced = ParseInt64(line.substr(1));
      if (!announced || (limits.is_authenticated && *announced > limits.max_args)) {
        return Fail(Fault::kMultibulkLength);
      }
      argc = *announced;
    }
    if (argc > limits.max_args) return Fail(Fault::kUnauthenticatedMultibulk);
    if (argc <= 0) continue;
    scratch_->argc_ = 0;
    int64_t remaining = argc;
    int64_t bulk = -1;
    const Step step =
        ReadBulks(at, end, limits, &remaining, &bulk, [this](const char* data, size_t size) {
          if (scratch_->argc_ == scratch_->args_.size()) [[unlikely]]
            scratch_->Grow();
          scratch_->args_[scratch_->argc_++] = {data, size};
        });
    if (step == Step::kDone) {
      consumed_ = static_cast<size_t>(at - begin);
      return ParseStatus::kRequest;
    }
    if (step == Step::kFailed) return ParseStatus::kProtocolError;
    auto partial = scratch_->TakePartial();
    for (size_t i = 0; i < scratch_->argc_; ++i) {
      const std::string_view arg = scratch_->args_[i];
      partial->args.push_back({nullptr, static_cast<size_t>(arg.data() - request), arg.size()});
    }
    partial->argc = argc;
    partial->remaining = remaining;
    partial->bulk = bulk;
    partial->at = static_cast<size_t>(at - request);
    NoteLargeBulk(*partial, at, end);
    partial_ = partial.release();
    return ParseStatus::kNeedMore;
  }
}

void RequestParser::NoteLargeBulk(Partial& partial, const char* at, const char* end) {
  const int64_t available = end - at;
  partial.has_large =
      partial.bulk >= static_cast<int64_t>(kLargeBulkBytes) && available < partial.bulk;
  if (!partial.has_large) return;
  partial.large = {.arg_index = partial.args.size(),
                   .argc = static_cast<size_t>(partial.argc),
                   .total_bytes = static_cast<uint64_t>(partial.bulk),
                   .filled_bytes = static_cast<uint64_t>(available),
                   .is_adopted = false};
}

ParseStatus RequestParser::Resume(std::span<char> input, const RequestLimits& limits) {
  Partial& partial = *partial_;
  const char* const base = input.data();
  const char* const end = base + input.size();
  const char* at = base + partial.at;
  if (partial.has_large && partial.large.is_adopted) {
    if (partial.large.missing_bytes() != 0 || end - at < 2) return ParseStatus::kNeedMore;
    partial.args.push_back({partial.destination, 0, static_cast<size_t>(partial.bulk)});
    partial.has_large = false;
    partial.bulk = -1;
    --partial.remaining;
    at += 2;
  }
  const Step step = ReadBulks(
      at, end, limits, &partial.remaining, &partial.bulk, [&](const char* data, size_t size) {
        partial.args.push_back({nullptr, static_cast<size_t>(data - base), size});
      });
  if (step == Step::kFailed) return ParseStatus::kProtocolError;
  partial.at = static_cast<size_t>(at - base);
  if (step == Step::kMore) {
    NoteLargeBulk(partial, at, end);
    return ParseStatus::kNeedMore;
  }
  PartialArgs(input);
  consumed_ = partial.at;
  scratch_->GiveBack(std::unique_ptr<Partial>(std::exchange(partial_, nullptr)));
  return ParseStatus::kRequest;
}

std::span<const std::string_view> RequestParser::PartialArgs(std::span<const char> input) const {
  scratch_->argc_ = 0;
  if (partial_ == nullptr) return {};
  const char* const base = input.data() + consumed_;
  while (scratch_->args_.size() < partial_->args.size()) scratch_->Grow();
  for (const Partial::Arg& arg : partial_->args) {
    const char* const data = arg.adopted != nullptr ? arg.adopted : base + arg.offset;
    scratch_->args_[scratch_->argc_++] = {data, arg.length};
  }
  return args();
}

RequestParser::Step RequestParser::ReadInline(char*& at, char* end, const RequestLimits& limits) {
  auto* newline = static_cast<char*>(
      std::memchr(at + scanned_, '\n', static_cast<size_t>(end - at) - scanned_));
  const auto length = static_cast<size_t>((newline == nullptr ? end : newline) - at);
  if (length > limits.max_inline_bytes) {
    Fail(Fault::kInlineTooBig);
    return Step::kFailed;
  }
  if (newline == nullptr) {
    scanned_ = static_cast<uint32_t>(length);
    return Step::kMore;
  }
  scanned_ = 0;
  char* const line_end = newline != at && newline[-1] == '\r' ? newline - 1 : newline;
  scratch_->argc_ = 0;
  for (char* p = at;;) {
    while (p < line_end && IsSpace(*p)) ++p;
    if (p >= line_end) break;
    std::string_view word;
    if (!TakeWord(p, line_end, &word)) {
      Fail(Fault::kQuotes);
      return Step::kFailed;
    }
    if (scratch_->argc_ == scratch_->args_.size()) scratch_->Grow();
    scratch_->args_[scratch_->argc_++] = word;
  }
  at = newline + 1;
  return Step::kDone;
}

void RequestParser::AdoptLargeBulk(char* destination) {
  PEAL_CHECK(partial_ != nullptr && partial_->has_large && !partial_->large.is_adopted);
  const size_t payload = consumed_ + partial_->at;
  std::memcpy(destination, input_ + payload, partial_->large.filled_bytes);
  partial_->destination = destination;
  partial_->large.is_adopted = true;
  retained_to_ = payload;
}

void RequestParser::LargeBulkFilled(uint64_t n) {
  PEAL_CHECK(partial_ != nullptr && partial_->large.is_adopted);
  PEAL_CHECK(n <= partial_->large.missing_bytes());
  partial_->large.filled_bytes += n;
}

const LargeBulk* RequestParser::large_bulk() const {
  return partial_ != nullptr && partial_->has_large ? &partial_->large : nullptr;
}

size_t RequestParser::partial_bytes() const {
  if (partial_ == nullptr) return 0;
  return sizeof(Partial) + partial_->args.capacity() * sizeof(Partial::Arg);
}

void RequestParser::Reset() {
  if (partial_ != nullptr) {
    scratch_->GiveBack(std::unique_ptr<Partial>(std::exchange(partial_, nullptr)));
  }
  fault_ = Fault::kNone;
  scanned_ = 0;
}

ParseStatus RequestParser::Fail(Fault fault, char got) {
  fault_ = fault;
  got_ = got;
  return ParseStatus::kProtocolError;
}

std::string RequestParser::ErrorText() const {
  const std::string prefix = "ERR Protocol error: ";
  switch (fault_) {
    case Fault::kMultibulkLength:
      return prefix + "invalid multibulk length";
    case Fault::kUnauthenticatedMultibulk:
      return prefix + "unauthenticated multibulk length";
    case Fault::kMultibulkLineTooBig:
      return prefix + "too big mbulk count string";
    case Fault::kBulkLength:
      return prefix + "invalid bulk length";
    case Fault::kUnauthenticatedBulk:
      return prefix + "unauthenticated bulk length";
    case Fault::kBulkLineTooBig:
      return prefix + "too big bulk count string";
    case Fault::kNoDollar:
      return prefix + "expected '$', got '" + got_ + "'";
    case Fault::kInlineTooBig:
      return prefix + "too big inline request";
    case Fault::kQuotes:
      return prefix + "unbalanced quotes in request";
    case Fault::kNone:
      break;
  }
  return prefix + "unknown";
}

}  // namespace peal::protocol
