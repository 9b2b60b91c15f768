// Commands on strings as arrays of bits. Source of replies, errors and events: Redis 7.2, observed
// on 7.0.15; DIFF, DIFF1, ANDOR and ONE of BITOP: Redis 8.2's documentation.
#include "store/value/bitmap.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/base/wide.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;
using protocol::ParseInt64;
using store::BitOperation;
using store::Entry;
using store::StringSlice;

namespace errors = protocol::errors;

constexpr Error kBadOffset = Error::Static("ERR bit offset is not an integer or out of range");
constexpr Error kBadBit = Error::Static("ERR bit is not an integer or out of range");
constexpr Error kBitArgument = Error::Static("ERR The bit argument must be 1 or 0.");
constexpr Error kOneSource =
    Error::Static("ERR BITOP NOT must be called with a single source key.");
constexpr Error kBadType = Error::Static(
    "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 "
    "is.");
constexpr Error kBadOverflow = Error::Static("ERR Invalid OVERFLOW type specified");
constexpr Error kOnlyGet = Error::Static("ERR BITFIELD_RO only supports the GET subcommand");

/// False, with the error replied, if `entry` is there and no string.
bool RequireString(CommandContext& context, const Entry* entry) {
  if (entry == nullptr || entry->is_string()) [[likely]]
    return true;
  context.Fail(errors::kWrongType);
  return false;
}

/// The place of a bit that a client names: "7", or "#3" for the fourth field of `width` bits if
/// `width` is not 0. Its byte lies below proto-max-bulk-len.
std::optional<uint64_t> ReadOffset(const CommandContext& context, std::string_view text,
                                   int width) {
  const bool counts_fields = width > 0 && text.starts_with('#');
  if (counts_fields) text.remove_prefix(1);
  const std::optional<int64_t> number = ParseInt64(text);
  if (!number) return std::nullopt;
  int64_t offset = *number;
  if (counts_fields && __builtin_mul_overflow(offset, width, &offset)) return std::nullopt;
  if (offset < 0) return std::nullopt;
  const auto place = static_cast<uint64_t>(offset);
  if (place / 8 >= context.server.config().proto_max_bulk_len) return std::nullopt;
  return place;
}

/// The string at `key`, which is `entry` or not there, with at least `size` bytes, for writing.
std::span<char> OpenForWriting(Unit& unit, std::string_view key, Entry* entry, uint64_t size) {
  if (entry == nullptr) entry = unit.SetString(key, std::string_view());
  std::span<char> bytes;
  unit.EditString(key, entry, static_cast<size_t>(size), bytes);
  return bytes;
}

// ---------------------------------------------------------------- single bits

void SetBit(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const std::optional<uint64_t> offset = ReadOffset(context, context.arg(2), 0);
  if (!offset) return context.Fail(kBadOffset);
  const std::optional<int64_t> bit = ParseInt64(context.arg(3));
  if (!bit || (*bit != 0 && *bit != 1)) return context.Fail(kBadBit);
  Entry* const entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  const uint64_t size = entry == nullptr ? 0 : entry->StringSize();
  int64_t before = 0;
  if (entry != nullptr) {
    // Released at once: who holds the bytes of a large string forces the change to copy it.
    StringSlice slice;
    store::Stripe::ReadString(*entry, slice);
    before = static_cast<int64_t>(store::ReadBits(slice.bytes, *offset, 1));
  }
  const uint64_t needed = *offset / 8 + 1;
  if (size < needed || before != *bit) {
    const std::span<char> bytes = OpenForWriting(unit, key, entry, needed);
    store::WriteBits(bytes, *offset, 1, static_cast<uint64_t>(*bit));
    unit.Notify(kNotifyString, "setbit", key);
    unit.Replicate("SETBIT", key, context.arg(2), *bit);
  }
  context.reply.Integer(before);
}

void GetBit(CommandContext& context) {
  const std::optional<uint64_t> offset = ReadOffset(context, context.arg(2), 0);
  if (!offset) return context.Fail(kBadOffset);
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (!RequireString(context, entry)) return;
  if (entry == nullptr) return context.reply.Integer(0);
  StringSlice slice;
  store::Stripe::ReadString(*entry, slice);
  context.reply.Integer(static_cast<int64_t>(store::ReadBits(slice.bytes, *offset, 1)));
}

// ---------------------------------------------------------------- ranges

/// A range of bytes or bits as a client gives it: inclusive, negative places count from the end.
struct BitRange {
  int64_t start = 0;
  int64_t end = -1;
  bool is_in_bits = false;

  /// Makes both places count from the front, inside `size` bytes; in bits then, whatever it was.
  /// False if nothing is left.
  bool Resolve(size_t size) {
    const auto total = static_cast<int64_t>(is_in_bits ? size * 8 : size);
    if (start < 0) start = std::max<int64_t>(start < -total ? 0 : start + total, 0);
    if (end < 0) end = std::max<int64_t>(end < -total ? 0 : end + total, 0);
    end = std::min(end, total - 1);
    if (start > end) return false;
    if (!is_in_bits) {
      start *= 8;
      end = end * 8 + 7;
    }
    return true;
  }
};

/// Reads BYTE or BIT.
bool ReadRangeUnit(std::string_view text, BitRange& range) {
  range.is_in_bits = EqualsIgnoreCase(text, "bit");
  return range.is_in_bits || EqualsIgnoreCase(text, "byte");
}

void BitCount(CommandContext& context) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (!RequireString(context, entry)) return;
  if (entry == nullptr) return context.reply.Integer(0);
  const size_t count = context.args.size();
  BitRange range;
  if (count == 4 || count == 5) {
    const std::optional<int64_t> start = ParseInt64(context.arg(2));
    const std::optional<int64_t> end = ParseInt64(context.arg(3));
    if (!start || !end) return context.Fail(errors::kNotInteger);
    if (*start < 0 && *end < 0 && *start > *end) return context.reply.Integer(0);
    if (count == 5 && !ReadRangeUnit(context.arg(4), range)) return context.Fail(errors::kSyntax);
    range.start = *start;
    range.end = *end;
  } else if (count != 2) {
    return context.Fail(errors::kSyntax);
  }
  StringSlice slice;
  store::Stripe::ReadString(*entry, slice);
  if (!range.Resolve(slice.bytes.size())) return context.reply.Integer(0);
  context.reply.Integer(static_cast<int64_t>(store::CountBits(
      slice.bytes, static_cast<uint64_t>(range.start), static_cast<uint64_t>(range.end))));
}

void BitPos(CommandContext& context) {
  const std::optional<int64_t> bit = ParseInt64(context.arg(2));
  if (!bit) return context.Fail(errors::kNotInteger);
  if (*bit != 0 && *bit != 1) return context.Fail(kBitArgument);
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  // A missing key is an endless row of zeros.
  if (entry == nullptr) return context.reply.Integer(*bit == 1 ? -1 : 0);
  if (!RequireString(context, entry)) return;
  const size_t count = context.args.size();
  BitRange range;
  if (count > 6) return context.Fail(errors::kSyntax);
  if (count >= 4) {
    const std::optional<int64_t> start = ParseInt64(context.arg(3));
    if (!start) return context.Fail(errors::kNotInteger);
    if (count == 6 && !ReadRangeUnit(context.arg(5), range)) return context.Fail(errors::kSyntax);
    range.start = *start;
  }
  if (count >= 5) {
    const std::optional<int64_t> end = ParseInt64(context.arg(4));
    if (!end) return context.Fail(errors::kNotInteger);
    range.end = *end;
  }
  StringSlice slice;
  store::Stripe::ReadString(*entry, slice);
  if (!range.Resolve(slice.bytes.size())) return context.reply.Integer(-1);
  const std::optional<uint64_t> place = store::FindBit(
      slice.bytes, *bit == 1, static_cast<uint64_t>(range.start), static_cast<uint64_t>(range.end));
  if (place) return context.reply.Integer(static_cast<int64_t>(*place));
  // Without an end of the range the string goes on with zeros.
  context.reply.Integer(*bit == 0 && count < 5 ? range.end + 1 : -1);
}

// ---------------------------------------------------------------- BITOP

struct OperationName {
  std::string_view name;
  BitOperation operation;
  bool needs_others = false;
};
constexpr OperationName kOperations[] = {
    {"AND", BitOperation::kAnd},           {"OR", BitOperation::kOr},
    {"XOR", BitOperation::kXor},           {"NOT", BitOperation::kNot},
    {"DIFF", BitOperation::kDiff, true},   {"DIFF1", BitOperation::kDiff1, true},
    {"ANDOR", BitOperation::kAndOr, true}, {"ONE", BitOperation::kOne}};

void BitOp(CommandContext& context) {
  Unit& unit = context.unit;
  const OperationName* operation = nullptr;
  for (const OperationName& candidate : kOperations) {
    if (EqualsIgnoreCase(context.arg(1), candidate.name)) operation = &candidate;
  }
  if (operation == nullptr) return context.Fail(errors::kSyntax);
  const size_t count = context.args.size() - 3;
  if (operation->operation == BitOperation::kNot && count != 1) return context.Fail(kOneSource);
  if (operation->needs_others && count < 2) {
    return context.Fail(Error::Owned("ERR BITOP " + std::string(operation->name) +
                                     " must be called with multiple source keys."));
  }
  std::vector<StringSlice> slices(count);
  std::vector<std::string_view> sources(count);
  size_t size = 0;
  for (size_t i = 0; i < count; ++i) {
    const Entry* const entry = unit.FindForRead(context.arg(i + 3));
    if (entry == nullptr) continue;
    if (!RequireString(context, entry)) return;
    store::Stripe::ReadString(*entry, slices[i]);
    sources[i] = slices[i].bytes;
    size = std::max(size, sources[i].size());
  }
  const std::string_view target = context.arg(2);
  if (size != 0) {
    store::SharedBytesRef result = store::SharedBytes::Uninitialized(size);
    store::CombineBits(operation->operation, sources, {result->mutable_data(), size});
    unit.SetString(target, std::move(result));
    unit.Notify(kNotifyString, "set", target);
    unit.Replicate(context.args);
  } else if (unit.Delete(target)) {
    unit.Notify(kNotifyGeneric, "del", target);
    unit.Replicate("DEL", target);
  }
  context.reply.Integer(static_cast<int64_t>(size));
}

// ---------------------------------------------------------------- BITFIELD

enum class Overflow : uint8_t { kWrap, kSaturate, kFail };

struct FieldStep {
  enum class Kind : uint8_t { kGet, kSet, kAdd };
  Kind kind = Kind::kGet;
  bool is_signed = false;
  int width = 0;
  Overflow overflow = Overflow::kWrap;
  uint64_t offset = 0;
  int64_t operand = 0;

  uint64_t end() const { return offset + static_cast<uint64_t>(width); }  // in bits
};

/// The number that the low `width` bits of `bits` are.
int64_t FromBits(uint64_t bits, int width, bool is_signed) {
  if (!is_signed || width == 64) return static_cast<int64_t>(bits);
  const int spare = 64 - width;
  return static_cast<int64_t>(bits << spare) >> spare;
}

/// `sum` brought into the range of the field; nullopt if that is refused.
std::optional<int64_t> Fit(const FieldStep& step, protocol::Int128 sum) {
  const protocol::Int128 one = 1;
  const protocol::Int128 top = (one << (step.is_signed ? step.width - 1 : step.width)) - 1;
  const protocol::Int128 bottom = step.is_signed ? -top - 1 : protocol::Int128{0};
  if (sum >= bottom && sum <= top) return static_cast<int64_t>(sum);
  switch (step.overflow) {
    case Overflow::kWrap: {
      const auto mask = static_cast<uint64_t>((one << step.width) - 1);
      return FromBits(static_cast<uint64_t>(sum) & mask, step.width, step.is_signed);
    }
    case Overflow::kSaturate:
      return static_cast<int64_t>(sum > top ? top : bottom);
    case Overflow::kFail:
      break;
  }
  return std::nullopt;
}

/// "i16", "u8": signed up to 64 bits, unsigned up to 63.
bool ReadFieldType(std::string_view text, FieldStep& step) {
  if (!text.starts_with('i') && !text.starts_with('u')) return false;
  step.is_signed = text[0] == 'i';
  const std::optional<int64_t> width = ParseInt64(text.substr(1));
  if (!width || *width < 1 || *width > (step.is_signed ? 64 : 63)) return false;
  step.width = static_cast<int>(*width);
  return true;
}

/// Reads all steps, or replies with an error.
bool ReadSteps(CommandContext& context, std::vector<FieldStep>& steps) {
  const auto fail = [&](const Error& error) {
    context.Fail(error);
    return false;
  };
  Overflow overflow = Overflow::kWrap;
  for (size_t i = 2; i < context.args.size();) {
    const std::string_view word = context.arg(i);
    const size_t left = context.args.size() - i - 1;
    if (EqualsIgnoreCase(word, "overflow") && left >= 1) {
      const std::string_view kind = context.arg(i + 1);
      if (EqualsIgnoreCase(kind, "wrap")) {
        overflow = Overflow::kWrap;
      } else if (EqualsIgnoreCase(kind, "sat")) {
        overflow = Overflow::kSaturate;
      } else if (EqualsIgnoreCase(kind, "fail")) {
        overflow = Overflow::kFail;
      } else {
        return fail(kBadOverflow);
      }
      i += 2;
      continue;
    }
    FieldStep step;
    step.overflow = overflow;
    if (EqualsIgnoreCase(word, "get") && left >= 2) {
      step.kind = FieldStep::Kind::kGet;
    } else if (EqualsIgnoreCase(word, "set") && left >= 3) {
      step.kind = FieldStep::Kind::kSet;
    } else if (EqualsIgnoreCase(word, "incrby") && left >= 3) {
      step.kind = FieldStep::Kind::kAdd;
    } else {
      return fail(errors::kSyntax);
    }
    if (!ReadFieldType(context.arg(i + 1), step)) return fail(kBadType);
    const std::optional<uint64_t> offset = ReadOffset(context, context.arg(i + 2), step.width);
    if (!offset) return fail(kBadOffset);
    step.offset = *offset;
    i += 3;
    if (step.kind != FieldStep::Kind::kGet) {
      const std::optional<int64_t> operand = ParseInt64(context.arg(i));
      if (!operand) return fail(errors::kNotInteger);
      step.operand = *operand;
      ++i;
    }
    steps.push_back(step);
  }
  return true;
}

void ReplyFields(CommandContext& context, const std::vector<FieldStep>& steps) {
  const Entry* const entry = context.unit.FindForRead(context.arg(1));
  if (!RequireString(context, entry)) return;
  StringSlice slice;
  if (entry != nullptr) store::Stripe::ReadString(*entry, slice);
  context.reply.Array(steps.size());
  for (const FieldStep& step : steps) {
    const uint64_t bits = store::ReadBits(slice.bytes, step.offset, step.width);
    context.reply.Integer(FromBits(bits, step.width, step.is_signed));
  }
}

void ChangeFields(CommandContext& context, const std::vector<FieldStep>& steps) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  Entry* const entry = unit.FindForWrite(key);
  if (!RequireString(context, entry)) return;
  uint64_t end = 0;
  for (const FieldStep& step : steps) {
    if (step.kind != FieldStep::Kind::kGet) end = std::max(end, step.end());
  }
  const uint64_t needed = (end + 7) / 8;
  const bool grows = entry == nullptr || entry->StringSize() < needed;
  StringSlice slice;
  if (entry != nullptr) store::Stripe::ReadString(*entry, slice);
  std::string_view text = slice.bytes;
  std::span<char> bytes;  // opened by the first step that changes something
  const auto open = [&] {
    slice.block.reset();
    bytes = OpenForWriting(unit, key, entry, needed);
    text = {bytes.data(), bytes.size()};
  };
  if (grows) open();
  bool is_changed = false;
  context.reply.Array(steps.size());
  for (const FieldStep& step : steps) {
    const uint64_t bits = store::ReadBits(text, step.offset, step.width);
    const int64_t before = FromBits(bits, step.width, step.is_signed);
    if (step.kind == FieldStep::Kind::kGet) {
      context.reply.Integer(before);
      continue;
    }
    // A number for an unsigned field counts as unsigned when it is set, not when it is added.
    protocol::Int128 wanted = step.operand;
    if (step.kind == FieldStep::Kind::kAdd) {
      wanted += before;
    } else if (!step.is_signed) {
      wanted = static_cast<uint64_t>(step.operand);
    }
    const std::optional<int64_t> now = Fit(step, wanted);
    if (!now) {
      context.reply.Null();
      continue;
    }
    if (*now != before && bytes.empty()) open();
    if (*now != before) {
      store::WriteBits(bytes, step.offset, step.width, static_cast<uint64_t>(*now));
    }
    is_changed = is_changed || grows || *now != before;
    context.reply.Integer(step.kind == FieldStep::Kind::kAdd ? *now : before);
  }
  if (is_changed) unit.Notify(kNotifyString, "setbit", key);
  if (is_changed || grows) unit.Replicate(context.args);
}

void BitField(CommandContext& context) {
  std::vector<FieldStep> steps;
  if (!ReadSteps(context, steps)) return;
  const bool only_reads = std::all_of(steps.begin(), steps.end(), [](const FieldStep& step) {
    return step.kind == FieldStep::Kind::kGet;
  });
  if (only_reads) {
    ReplyFields(context, steps);
  } else {
    ChangeFields(context, steps);
  }
}

void BitFieldRo(CommandContext& context) {
  std::vector<FieldStep> steps;
  if (!ReadSteps(context, steps)) return;
  for (const FieldStep& step : steps) {
    if (step.kind != FieldStep::Kind::kGet) return context.Fail(kOnlyGet);
  }
  ReplyFields(context, steps);
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kBitcountKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kBitcountIndexIndexUnit[] = {
    {.name = "byte", .type = ArgType::kPureToken, .token = "BYTE"},
    {.name = "bit", .type = ArgType::kPureToken, .token = "BIT"}};
constexpr ArgSpec kBitcountIndex[] = {{.name = "start", .type = ArgType::kInteger},
                                      {.name = "end", .type = ArgType::kInteger},
                                      {.name = "index_unit",
                                       .type = ArgType::kOneOf,
                                       .is_optional = true,
                                       .since = "7.0.0",
                                       .children = kBitcountIndexIndexUnit}};
constexpr ArgSpec kBitcountArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "index", .type = ArgType::kBlock, .is_optional = true, .children = kBitcountIndex}};
constexpr HistoryEntry kBitcountHistory[] = {{"7.0.0", "Knows BYTE and BIT."}};
constexpr KeySpec kBitfieldKeys[] = {KeySpec::Single(
    1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate | KeyFlag::kVariable)};
constexpr ArgSpec kBitfieldOperationEncodingOffset[] = {
    {.name = "encoding", .type = ArgType::kString}, {.name = "offset", .type = ArgType::kInteger}};
constexpr ArgSpec kBitfieldOperationWriteWrapSatFail[] = {
    {.name = "wrap", .type = ArgType::kPureToken, .token = "WRAP"},
    {.name = "sat", .type = ArgType::kPureToken, .token = "SAT"},
    {.name = "fail", .type = ArgType::kPureToken, .token = "FAIL"}};
constexpr ArgSpec kBitfieldOperationWriteWriteOperationEncodingOffsetValue[] = {
    {.name = "encoding", .type = ArgType::kString},
    {.name = "offset", .type = ArgType::kInteger},
    {.name = "value", .type = ArgType::kInteger}};
constexpr ArgSpec kBitfieldOperationWriteWriteOperationEncodingOffsetIncrement[] = {
    {.name = "encoding", .type = ArgType::kString},
    {.name = "offset", .type = ArgType::kInteger},
    {.name = "increment", .type = ArgType::kInteger}};
constexpr ArgSpec kBitfieldOperationWriteWriteOperation[] = {
    {.name = "encoding_offset_value",
     .type = ArgType::kBlock,
     .token = "SET",
     .children = kBitfieldOperationWriteWriteOperationEncodingOffsetValue},
    {.name = "encoding_offset_increment",
     .type = ArgType::kBlock,
     .token = "INCRBY",
     .children = kBitfieldOperationWriteWriteOperationEncodingOffsetIncrement}};
constexpr ArgSpec kBitfieldOperationWrite[] = {{.name = "wrap_sat_fail",
                                                .type = ArgType::kOneOf,
                                                .token = "OVERFLOW",
                                                .is_optional = true,
                                                .children = kBitfieldOperationWriteWrapSatFail},
                                               {.name = "write_operation",
                                                .type = ArgType::kOneOf,
                                                .children = kBitfieldOperationWriteWriteOperation}};
constexpr ArgSpec kBitfieldOperation[] = {
    {.name = "encoding_offset",
     .type = ArgType::kBlock,
     .token = "GET",
     .children = kBitfieldOperationEncodingOffset},
    {.name = "write", .type = ArgType::kBlock, .children = kBitfieldOperationWrite}};
constexpr ArgSpec kBitfieldArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                     {.name = "operation",
                                      .type = ArgType::kOneOf,
                                      .is_optional = true,
                                      .is_multiple = true,
                                      .children = kBitfieldOperation}};
constexpr ArgSpec kBitfieldRoArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                       {.name = "encoding_offset",
                                        .type = ArgType::kBlock,
                                        .token = "GET",
                                        .is_optional = true,
                                        .is_multiple = true,
                                        .is_multiple_token = true,
                                        .children = kBitfieldOperationEncodingOffset}};
constexpr KeySpec kBitopKeys[] = {KeySpec::Single(2, KeyFlag::kOverwrite | KeyFlag::kUpdate),
                                  KeySpec::Range(3, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kBitopArgs[] = {
    {.name = "operation", .type = ArgType::kString},
    {.name = "destkey", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 1, .is_multiple = true}};
constexpr ArgSpec kBitposIndexEndIndex[] = {{.name = "end", .type = ArgType::kInteger},
                                            {.name = "index_unit",
                                             .type = ArgType::kOneOf,
                                             .is_optional = true,
                                             .since = "7.0.0",
                                             .children = kBitcountIndexIndexUnit}};
constexpr ArgSpec kBitposIndex[] = {{.name = "start", .type = ArgType::kInteger},
                                    {.name = "end_index",
                                     .type = ArgType::kBlock,
                                     .is_optional = true,
                                     .children = kBitposIndexEndIndex}};
constexpr ArgSpec kBitposArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "bit", .type = ArgType::kInteger},
    {.name = "index", .type = ArgType::kBlock, .is_optional = true, .children = kBitposIndex}};
constexpr ArgSpec kGetbitArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "offset", .type = ArgType::kInteger}};
constexpr KeySpec kSetbitKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kUpdate)};
constexpr ArgSpec kSetbitArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "offset", .type = ArgType::kInteger},
                                   {.name = "value", .type = ArgType::kInteger}};

constexpr Command kRows[] = {
    {.spec = {.name = "bitcount",
              .arity = -2,
              .group = Group::kBitmap,
              .since = "2.6.0",
              .flags = Flag::kReadonly,
              .keys = kBitcountKeys,
              .acl = Acl::kRead | Acl::kBitmap | Acl::kSlow,
              .complexity = "O(N) where N is the length of the range",
              .summary = "Counts the bits that are set in a string or a part of it.",
              .arguments = kBitcountArgs,
              .history = kBitcountHistory},
     .run = BitCount},
    {.spec = {.name = "bitfield",
              .arity = -2,
              .group = Group::kBitmap,
              .since = "3.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kBitfieldKeys,
              .acl = Acl::kWrite | Acl::kBitmap | Acl::kSlow,
              .complexity = "O(1) for each step",
              .summary = "Reads and changes integers of any width inside a string.",
              .arguments = kBitfieldArgs},
     .run = BitField},
    {.spec = {.name = "bitfield_ro",
              .arity = -2,
              .group = Group::kBitmap,
              .since = "6.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kBitcountKeys,
              .acl = Acl::kRead | Acl::kBitmap | Acl::kFast,
              .complexity = "O(1) for each step",
              .summary = "Reads integers of any width inside a string.",
              .arguments = kBitfieldRoArgs},
     .run = BitFieldRo},
    {.spec = {.name = "bitop",
              .arity = -4,
              .group = Group::kBitmap,
              .since = "2.6.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kBitopKeys,
              .acl = Acl::kWrite | Acl::kBitmap | Acl::kSlow,
              .complexity =
                  "O(N*M) where N is the number of strings and M the length of the longest",
              .summary = "Combines strings bit by bit and stores the result.",
              .arguments = kBitopArgs},
     .run = BitOp},
    {.spec = {.name = "bitpos",
              .arity = -3,
              .group = Group::kBitmap,
              .since = "2.8.7",
              .flags = Flag::kReadonly,
              .keys = kBitcountKeys,
              .acl = Acl::kRead | Acl::kBitmap | Acl::kSlow,
              .complexity = "O(N) where N is the length of the range",
              .summary = "Finds the first bit of a string that is set or clear.",
              .arguments = kBitposArgs,
              .history = kBitcountHistory},
     .run = BitPos},
    {.spec = {.name = "getbit",
              .arity = 3,
              .group = Group::kBitmap,
              .since = "2.2.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kBitcountKeys,
              .acl = Acl::kRead | Acl::kBitmap | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns one bit of a string.",
              .arguments = kGetbitArgs},
     .run = GetBit},
    {.spec = {.name = "setbit",
              .arity = 4,
              .group = Group::kBitmap,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kSetbitKeys,
              .acl = Acl::kWrite | Acl::kBitmap | Acl::kSlow,
              .complexity = "O(1), or O(N) where the string grows by N bytes",
              .summary =
                  "Sets or clears one bit of a string, which grows with zero bytes as needed.",
              .arguments = kSetbitArgs},
     .run = SetBit},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> BitmapCommands() { return kRows; }

}  // namespace peal::broker
