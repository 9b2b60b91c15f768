// HyperLogLog commands. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include "store/value/hyperloglog.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Error;
using protocol::Flag;
using protocol::Group;
using protocol::KeyFlag;
using protocol::KeySpec;
using store::Entry;
using store::ExpirePolicy;
using store::StringSlice;

namespace errors = protocol::errors;
namespace hll = store::hyperloglog;

constexpr Error kNotHyperLogLog =
    Error::Static("WRONGTYPE Key is not a valid HyperLogLog string value.");
constexpr Error kCorrupted = Error::Static("INVALIDOBJ Corrupted HLL object detected");
constexpr Error kNoSuchKey = Error::Static("ERR The specified key does not exist");
constexpr Error kNotSparse = Error::Static("ERR HLL encoding is not sparse");

/// Fills `out` with the HyperLogLog in `entry`; false, with the error replied, if it is none.
bool ReadHyperLogLog(CommandContext& context, const Entry& entry, StringSlice& out) {
  if (!entry.is_string()) {
    context.Fail(errors::kWrongType);
    return false;
  }
  store::Stripe::ReadString(entry, out);
  if (hll::IsValid(out.bytes)) return true;
  context.Fail(kNotHyperLogLog);
  return false;
}

hll::Editor EditorOf(const CommandContext& context, std::string text) {
  return {std::move(text), context.server.config().encoding.hll_sparse_max_bytes};
}

// ---------------------------------------------------------------- PFADD

/// Adds to a dense one in place. Returns whether anything changed.
bool AddToDense(CommandContext& context, Entry* entry, StringSlice& slice) {
  const std::string_view key = context.arg(1);
  std::string_view text = slice.bytes;
  std::span<char> bytes;  // opened by the first change
  for (const std::string_view element : context.args.subspan(2)) {
    const hll::Place place = hll::PlaceOf(element);
    if (hll::DenseRegister(text, place.index) >= place.value) continue;
    if (bytes.empty()) {
      slice.block.reset();  // who holds it forces the change to copy it
      context.unit.EditString(key, entry, text.size(), bytes);
      hll::MarkStale(bytes);
      text = {bytes.data(), bytes.size()};
    }
    hll::SetDenseRegister(bytes, place.index, place.value);
  }
  return !bytes.empty();
}

/// Adds to a sparse one or to none. Nullopt, with the error replied, if it is corrupted.
std::optional<bool> AddToSparse(CommandContext& context, bool is_new, std::string text) {
  hll::Editor editor = EditorOf(context, std::move(text));
  bool is_changed = is_new;
  for (const std::string_view element : context.args.subspan(2)) {
    switch (editor.Raise(hll::PlaceOf(element))) {
      case hll::Editor::Outcome::kCorrupted:
        context.Fail(kCorrupted);
        return std::nullopt;
      case hll::Editor::Outcome::kRaised:
        is_changed = true;
        break;
      case hll::Editor::Outcome::kUnchanged:
        break;
    }
  }
  if (is_changed) {
    hll::MarkStale(editor.bytes());
    context.unit.SetString(context.arg(1), editor.text(), ExpirePolicy::Keep());
  }
  return is_changed;
}

void PfAdd(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  Entry* const entry = unit.FindForWrite(key);
  std::optional<bool> is_changed;
  if (entry == nullptr) {
    is_changed = AddToSparse(context, true, hll::Create());
  } else {
    StringSlice slice;
    if (!ReadHyperLogLog(context, *entry, slice)) return;
    if (hll::EncodingOf(slice.bytes) == hll::Encoding::kDense) {
      is_changed = AddToDense(context, entry, slice);
    } else {
      is_changed = AddToSparse(context, false, std::string(slice.bytes));
    }
  }
  if (!is_changed) return;
  if (*is_changed) {
    unit.Notify(kNotifyString, "pfadd", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(*is_changed ? 1 : 0);
}

// ---------------------------------------------------------------- PFCOUNT, PFMERGE

/// Merges the HyperLogLogs at the keys from args[1] on. False, with the error replied, if one is
/// none. `any_dense` may be null.
bool MergeKeys(CommandContext& context, hll::Registers registers, bool* any_dense) {
  for (const std::string_view key : context.args.subspan(1)) {
    const Entry* const entry = context.unit.FindForRead(key);
    if (entry == nullptr) continue;
    StringSlice slice;
    if (!ReadHyperLogLog(context, *entry, slice)) return false;
    if (any_dense != nullptr && hll::EncodingOf(slice.bytes) == hll::Encoding::kDense) {
      *any_dense = true;
    }
    if (!hll::MergeInto(slice.bytes, registers)) {
      context.Fail(kCorrupted);
      return false;
    }
  }
  return true;
}

void PfCount(CommandContext& context) {
  Unit& unit = context.unit;
  if (context.args.size() > 2) {
    std::array<uint8_t, hll::kRegisters> registers{};
    if (!MergeKeys(context, registers, nullptr)) return;
    return context.reply.Integer(static_cast<int64_t>(hll::Count(registers)));
  }
  const std::string_view key = context.arg(1);
  Entry* const entry = unit.FindForRead(key);
  if (entry == nullptr) return context.reply.Integer(0);
  StringSlice slice;
  if (!ReadHyperLogLog(context, *entry, slice)) return;
  std::optional<uint64_t> count = hll::CachedCount(slice.bytes);
  if (!count) {
    count = hll::Count(slice.bytes);
    if (!count) return context.Fail(kCorrupted);
    slice.block.reset();
    std::span<char> bytes;
    unit.EditString(key, entry, 0, bytes);
    hll::SetCachedCount(bytes, *count);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(*count));
}

void PfMerge(CommandContext& context) {
  Unit& unit = context.unit;
  std::array<uint8_t, hll::kRegisters> registers{};
  bool any_dense = false;
  if (!MergeKeys(context, registers, &any_dense)) return;
  const std::string_view key = context.arg(1);
  const Entry* const entry = unit.FindForWrite(key);
  hll::Editor editor = EditorOf(context, entry == nullptr ? hll::Create() : entry->CopyString());
  if (any_dense && !editor.MakeDense()) return context.Fail(kCorrupted);
  for (uint32_t i = 0; i < hll::kRegisters; ++i) {
    if (registers[i] == 0) continue;
    if (editor.Raise({i, registers[i]}) == hll::Editor::Outcome::kCorrupted) {
      return context.Fail(kCorrupted);
    }
  }
  hll::MarkStale(editor.bytes());
  unit.SetString(key, editor.text(), ExpirePolicy::Keep());
  unit.Notify(kNotifyString, "pfadd", key);
  unit.Replicate(context.args);
  context.reply.Ok();
}

// ---------------------------------------------------------------- looking inside

/// Turns the sparse one at the key dense. Nullopt, with the error replied, if it is corrupted.
std::optional<std::string> MakeDense(CommandContext& context, std::string_view text) {
  std::optional<std::string> dense = hll::ToDense(text);
  if (!dense) {
    context.Fail(kCorrupted);
    return std::nullopt;
  }
  context.unit.SetString(context.arg(2), std::string_view(*dense), ExpirePolicy::Keep());
  context.unit.Replicate("PFDEBUG", "TODENSE", context.arg(2));
  return dense;
}

void PfDebug(CommandContext& context) {
  const std::string_view what = context.arg(1);
  const Entry* const entry = context.unit.FindForWrite(context.arg(2));
  if (entry == nullptr) return context.Fail(kNoSuchKey);
  StringSlice slice;
  if (!ReadHyperLogLog(context, *entry, slice)) return;
  const bool is_sparse = hll::EncodingOf(slice.bytes) == hll::Encoding::kSparse;
  if (EqualsIgnoreCase(what, "getreg")) {
    std::string dense(slice.bytes);
    if (is_sparse) {
      std::optional<std::string> converted = MakeDense(context, dense);
      if (!converted) return;
      dense = std::move(*converted);
    }
    context.reply.Array(hll::kRegisters);
    for (uint32_t i = 0; i < hll::kRegisters; ++i) {
      context.reply.Integer(hll::DenseRegister(dense, i));
    }
  } else if (EqualsIgnoreCase(what, "decode")) {
    if (!is_sparse) return context.Fail(kNotSparse);
    context.reply.Bulk(hll::DescribeRuns(slice.bytes));
  } else if (EqualsIgnoreCase(what, "encoding")) {
    context.reply.Simple(is_sparse ? "sparse" : "dense");
  } else if (EqualsIgnoreCase(what, "todense")) {
    if (is_sparse && !MakeDense(context, std::string(slice.bytes))) return;
    context.reply.Integer(is_sparse ? 1 : 0);
  } else {
    context.Fail(Error::Owned("ERR Unknown PFDEBUG subcommand '" + std::string(what) + "'"));
  }
}

/// Numbers that look random, the same at each run.
uint64_t NextNumber(uint64_t& state) {
  state = state * 6364136223846793005 + 1442695040888963407;
  return state >> 16;
}

/// What is wrong, or nothing.
std::optional<std::string> TestDenseRegisters() {
  std::string text = protocol::Checked(hll::ToDense(hll::Create()));
  std::array<uint8_t, hll::kRegisters> expected{};
  uint64_t state = 1;
  for (int round = 0; round < 20; ++round) {
    for (uint32_t i = 0; i < hll::kRegisters; ++i) {
      expected[i] = static_cast<uint8_t>(NextNumber(state) & 63);
      hll::SetDenseRegister(text, i, expected[i]);
    }
    for (uint32_t i = 0; i < hll::kRegisters; ++i) {
      if (hll::DenseRegister(text, i) != expected[i]) {
        return "register " + std::to_string(i) + " differs from what was written";
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> TestEstimates() {
  constexpr double kStandardError = 0.0081;
  hll::Editor sparse(hll::Create(), 3000);
  hll::Editor dense(hll::Create(), 3000);
  if (!dense.MakeDense()) return "an empty one does not turn dense";
  uint64_t state = 2;
  uint64_t next_look = 1;
  for (uint64_t count = 1; count <= 200'000; ++count) {
    const std::string element = std::to_string(NextNumber(state)) + ":" + std::to_string(count);
    const hll::Place place = hll::PlaceOf(element);
    if (sparse.Raise(place) != dense.Raise(place)) return "sparse and dense disagree";
    if (count != next_look) continue;
    next_look *= 10;
    const uint64_t estimate = protocol::Checked(hll::Count(dense.text()));
    if (estimate != hll::Count(sparse.text())) return "estimates of sparse and dense differ";
    const double error = std::fabs(static_cast<double>(estimate) - static_cast<double>(count));
    if (error > std::ceil(6 * kStandardError * static_cast<double>(count))) {
      return "the estimate of " + std::to_string(count) + " is " + std::to_string(estimate);
    }
  }
  return std::nullopt;
}

void PfSelfTest(CommandContext& context) {
  std::optional<std::string> fault = TestDenseRegisters();
  if (!fault) fault = TestEstimates();
  if (fault) return context.Fail(Error::Owned("TESTFAILED " + *fault));
  context.reply.Ok();
}

// ---------------------------------------------------------------- rows

constexpr KeySpec kPfaddKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kPfaddArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "element", .type = ArgType::kString, .is_optional = true, .is_multiple = true}};
constexpr KeySpec kPfcountKeys[] = {
    KeySpec::Range(1, -1, 1, KeyFlag::kReadWrite | KeyFlag::kAccess)};
constexpr ArgSpec kPfcountArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true}};
constexpr KeySpec kPfdebugKeys[] = {KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kAccess)};
constexpr ArgSpec kPfdebugArgs[] = {{.name = "subcommand", .type = ArgType::kString},
                                    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr KeySpec kPfmergeKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kInsert),
    KeySpec::Range(2, -1, 1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kPfmergeArgs[] = {
    {.name = "destkey", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "sourcekey", .type = ArgType::kKey, .key_spec_index = 1, .is_multiple = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "pfadd",
              .arity = -2,
              .group = Group::kHyperLogLog,
              .since = "2.8.9",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kPfaddKeys,
              .acl = Acl::kWrite | Acl::kHyperLogLog | Acl::kFast,
              .complexity = "O(1) for each element",
              .summary = "Adds elements to a HyperLogLog, which is created if missing.",
              .arguments = kPfaddArgs},
     .run = PfAdd},
    {.spec = {.name = "pfcount",
              .arity = -2,
              .group = Group::kHyperLogLog,
              .since = "2.8.9",
              .flags = Flag::kReadonly | Flag::kMayReplicate,
              .keys = kPfcountKeys,
              .acl = Acl::kRead | Acl::kHyperLogLog | Acl::kSlow,
              .complexity = "O(1) for one key whose elements have not changed since; O(N) for N "
                            "keys, at the cost of all registers each",
              .summary = "Estimates how many different elements were added to HyperLogLogs.",
              .arguments = kPfcountArgs},
     .run = PfCount},
    {.spec = {.name = "pfdebug",
              .arity = 3,
              .group = Group::kHyperLogLog,
              .since = "2.8.9",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kAdmin,
              .keys = kPfdebugKeys,
              .acl = Acl::kWrite | Acl::kHyperLogLog | Acl::kAdmin | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(1)",
              .summary = "Shows how a HyperLogLog is stored.",
              .arguments = kPfdebugArgs},
     .run = PfDebug},
    {.spec = {.name = "pfmerge",
              .arity = -2,
              .group = Group::kHyperLogLog,
              .since = "2.8.9",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kPfmergeKeys,
              .acl = Acl::kWrite | Acl::kHyperLogLog | Acl::kSlow,
              .complexity =
                  "O(N) where N is the number of HyperLogLogs, at the cost of all registers each",
              .summary = "Merges HyperLogLogs into the first one.",
              .arguments = kPfmergeArgs},
     .run = PfMerge},
    {.spec = {.name = "pfselftest",
              .arity = 1,
              .group = Group::kHyperLogLog,
              .since = "2.8.9",
              .flags = Flag::kAdmin,
              .acl = Acl::kHyperLogLog | Acl::kAdmin | Acl::kSlow | Acl::kDangerous,
              .complexity = "O(1)",
              .summary = "Tests registers and estimates of HyperLogLogs."},
     .run = PfSelfTest},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> HyperLogLogCommands() { return kRows; }

}  // namespace peal::broker
