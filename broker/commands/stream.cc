// Commands on the entries of streams. Source of replies, errors and events: Redis 7.2, observed on
// 7.0.15.
#include "broker/commands/stream.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/exec/edit.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "store/keyspace/hash.h"

namespace peal::broker {

using protocol::Error;
using protocol::ParseInt64;
using protocol::ParseUint64;
using protocol::ReplyWriter;
using protocol::Result;
using store::ListpackItem;
using store::PendingEntry;
using store::StreamConsumer;
using store::StreamCursor;
using store::StreamGroup;
using store::StreamId;
using store::StreamValue;

namespace {

constexpr Error kInvalidStart = Error::Static("ERR invalid start ID for the interval");
constexpr Error kInvalidEnd = Error::Static("ERR invalid end ID for the interval");

constexpr size_t kMaxIdChars = 127;

/// Half of an id, as Redis reads it: all that C's strtoull() takes, which wraps negative numbers
/// around; but no negative number in its plain form.
std::optional<uint64_t> ReadIdPart(std::string_view text) {
  if (const auto value = ParseUint64(text)) return value;
  if (ParseInt64(text)) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(" \t\n\v\f\r"), text.size()));
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  while (text.size() > 1 && text.front() == '0') text.remove_prefix(1);
  const auto value = ParseUint64(text);
  if (!value) return std::nullopt;
  return is_negative ? 0 - *value : *value;
}

Result<StreamId> ReadRangeId(std::string_view text, uint64_t missing_seq, bool& is_open) {
  is_open = text.size() > 1 && text.front() == '(';
  return is_open ? ReadStreamId(text.substr(1), missing_seq)
                 : ReadStreamId(text, missing_seq, true);
}

void ReplyItem(ReplyWriter& reply, const ListpackItem& item) {
  if (item.is_integer) {
    reply.BulkInteger(item.integer);
  } else {
    reply.Bulk(item.bytes);
  }
}

}  // namespace

// ---------------------------------------------------------------- for all commands of streams

Result<StreamId> ReadStreamId(std::string_view text, uint64_t missing_seq, bool allows_ends) {
  if (text.size() > kMaxIdChars) return kInvalidStreamId;
  if (text == "-" || text == "+") {
    if (!allows_ends) return kInvalidStreamId;
    return text == "-" ? StreamId() : StreamId::Max();
  }
  const size_t dash = text.find('-');
  const auto ms = ReadIdPart(text.substr(0, dash));
  const auto seq = dash == std::string_view::npos ? missing_seq : ReadIdPart(text.substr(dash + 1));
  if (!ms || !seq) return kInvalidStreamId;
  return StreamId{*ms, *seq};
}

Result<std::vector<StreamId>> ReadStreamIds(std::span<const std::string_view> texts) {
  std::vector<StreamId> ids;
  ids.reserve(texts.size());
  for (const std::string_view text : texts) {
    PEAL_ASSIGN_OR_RETURN(const StreamId id, ReadStreamId(text));
    ids.push_back(id);
  }
  return ids;
}

Result<StreamId> ReadRangeStart(std::string_view text) {
  bool is_open = false;
  PEAL_ASSIGN_OR_RETURN(StreamId id, ReadRangeId(text, 0, is_open));
  if (is_open && !id.Increment()) return kInvalidStart;
  return id;
}

Result<StreamId> ReadRangeEnd(std::string_view text) {
  bool is_open = false;
  PEAL_ASSIGN_OR_RETURN(StreamId id, ReadRangeId(text, UINT64_MAX, is_open));
  if (is_open && !id.Decrement()) return kInvalidEnd;
  return id;
}

Error NoGroupFor(std::string_view key, std::string_view group) {
  return Error::Owned("NOGROUP No such consumer group '" + std::string(group) + "' for key name '" +
                      std::string(key) + "'");
}

Error NoStreamGroup(std::string_view key, std::string_view group) {
  return Error::Owned("NOGROUP No such key '" + std::string(key) + "' or consumer group '" +
                      std::string(group) + "'");
}

std::optional<StreamValue::References> ReadReferences(std::string_view text) {
  using References = StreamValue::References;
  if (protocol::EqualsIgnoreCase(text, "keepref")) return References::kKeep;
  if (protocol::EqualsIgnoreCase(text, "delref")) return References::kDelete;
  if (protocol::EqualsIgnoreCase(text, "acked")) return References::kAcknowledged;
  return std::nullopt;
}

Result<DeleteRequest> ReadDeleteRequest(std::span<const std::string_view> args, size_t first) {
  DeleteRequest out;
  bool has_references = false;
  for (size_t i = first; i < args.size(); ++i) {
    if (const auto references = ReadReferences(args[i]); references && !has_references) {
      out.references = *references;
      has_references = true;
    } else if (protocol::EqualsIgnoreCase(args[i], "ids") && i + 1 < args.size()) {
      const auto count = ParseInt64(args[++i]);
      if (!count || *count < 1) {
        return Error::Static("ERR Number of IDs must be a positive integer");
      }
      const size_t more = args.size() - i - 1;
      if (static_cast<uint64_t>(*count) > more) {
        return Error::Static("ERR The `numids` parameter must match the number of arguments");
      }
      const auto ids = args.subspan(i + 1, static_cast<size_t>(*count));
      PEAL_ASSIGN_OR_RETURN(out.ids, ReadStreamIds(ids));
      i += ids.size();
    } else {
      return protocol::errors::kSyntax;
    }
  }
  if (out.ids.empty()) return Error::Static("ERR IDS option is required");
  return out;
}

int64_t DeleteEntry(StreamValue& stream, StreamId id, StreamValue::References references,
                    uint64_t& changes) {
  using References = StreamValue::References;
  // References may be left of an entry that has gone.
  if (references == References::kDelete) changes += stream.DropReferences(id);
  if (!stream.Contains(id)) return kIdIsNotThere;
  if (references == References::kAcknowledged && stream.IsReferenced(id)) return kIdStillReferenced;
  stream.Delete(id);
  stream.NoteDeleted(id);
  ++changes;
  return kIdDeleted;
}

void ReplyStreamId(ReplyWriter& reply, StreamId id) {
  char text[StreamId::kMaxChars];
  reply.Bulk({text, static_cast<size_t>(id.Format(text) - text)});
}

void ReplyStreamEntryParts(ReplyWriter& reply, const StreamCursor& cursor) {
  ReplyStreamId(reply, cursor.id());
  reply.Array(2 * cursor.fields());
  cursor.ForEachField([&reply](const ListpackItem& field, const ListpackItem& value) {
    ReplyItem(reply, field);
    ReplyItem(reply, value);
  });
}

void ReplyStreamEntry(ReplyWriter& reply, const StreamCursor& cursor) {
  reply.Array(2);
  ReplyStreamEntryParts(reply, cursor);
}

bool ReplyStreamEntry(ReplyWriter& reply, const StreamValue& stream, StreamId id) {
  StreamCursor cursor(stream, id, id);
  if (!cursor.Next()) return false;
  ReplyStreamEntry(reply, cursor);
  return true;
}

void ReplyStreamRange(ReplyWriter& reply, const StreamValue& stream, StreamId first, StreamId last,
                      uint64_t count, bool backwards) {
  const uint64_t entries = stream.CountRange(first, last, count == 0 ? UINT64_MAX : count);
  reply.Array(entries);
  StreamCursor cursor(stream, first, last, backwards);
  for (uint64_t i = 0; i < entries && cursor.Next(); ++i) ReplyStreamEntry(reply, cursor);
}

void ReplicateClaim(Unit& unit, std::string_view key, const StreamGroup& group, StreamId id,
                    const PendingEntry& entry) {
  if (!unit.collects_effects()) return;
  unit.Replicate("XCLAIM", key, group.name(), entry.consumer->name(), "0", id.ToString(), "TIME",
                 entry.delivered_ms, "RETRYCOUNT", static_cast<int64_t>(entry.deliveries), "FORCE",
                 "JUSTID", "LASTID", group.last_id.ToString());
}

void ReplicateAck(Unit& unit, std::string_view key, const StreamGroup& group, StreamId id) {
  if (unit.collects_effects()) unit.Replicate("XACK", key, group.name(), id.ToString());
}

void ReplicateGroupId(Unit& unit, std::string_view key, const StreamGroup& group) {
  if (!unit.collects_effects()) return;
  unit.Replicate("XGROUP", "SETID", key, group.name(), group.last_id.ToString(), "ENTRIESREAD",
                 group.entries_read);
}

int64_t IdleTime(const StreamGroup& group, const PendingEntry& entry, int64_t now_ms) {
  return group.IsReleased(entry) ? -1 : std::max<int64_t>(now_ms - entry.delivered_ms, 0);
}

StreamConsumer& FindOrAddConsumer(Unit& unit, std::string_view key, StreamGroup& group,
                                  std::string_view name) {
  StreamConsumer* const found = group.FindConsumer(name);
  if (found != nullptr) return *found;
  unit.Notify(kNotifyStream, "xgroup-createconsumer", key);
  unit.Replicate("XGROUP", "CREATECONSUMER", key, group.name(), name);
  return group.AddConsumer(name, unit.now_ms());
}

namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::EqualsIgnoreCase;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;

namespace errors = protocol::errors;

// ---------------------------------------------------------------- XADD and XTRIM

constexpr Error kTwoStrategies =
    Error::Static("ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
constexpr Error kNegativeMaxLen = Error::Static("ERR The MAXLEN argument must be >= 0.");
constexpr Error kNegativeLimit = Error::Static("ERR The LIMIT argument must be >= 0.");
constexpr Error kLimitWithoutStrategy =
    Error::Static("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
constexpr Error kNoStrategy =
    Error::Static("ERR syntax error, XTRIM must be called with a trimming strategy");
constexpr Error kLimitOfExact =
    Error::Static("ERR syntax error, LIMIT cannot be used without the special ~ option");
constexpr Error kZeroId = Error::Static("ERR The ID specified in XADD must be greater than 0-0");
constexpr Error kExhausted =
    Error::Static("ERR The stream has exhausted the last possible ID, unable to add more items");
constexpr Error kSmallId = Error::Static(
    "ERR The ID specified in XADD is equal or smaller than the target stream top item");
constexpr Error kTwoIdempotentIds = Error::Static("ERR IDMP/IDMPAUTO specified multiple times");
constexpr Error kIdempotentWithId =
    Error::Static("ERR IDMP/IDMPAUTO can be used only with auto-generated IDs");
constexpr Error kNoProducer = Error::Static("ERR IDMP requires a non-empty producer ID");
constexpr Error kNoIdempotentId = Error::Static("ERR IDMP requires a non-empty idempotent ID");
constexpr Error kNoProducerForAuto = Error::Static("ERR IDMPAUTO requires a non-empty producer ID");
constexpr Error kTooLarge = Error::Static("ERR Elements are too large to be stored");

/// Nodes that ~ takes away at most if there is no LIMIT, and what keeps their entries in bounds.
constexpr uint64_t kTrimNodes = 100;
constexpr uint64_t kMostTrimmed = 1'000'000;
constexpr uint64_t kTrimmedWithoutNodeLimit = 10'000;

/// What XADD and XTRIM have in common, and what XADD alone has.
struct AddOptions {
  bool has_trim = false;
  bool has_references = false;  // KEEPREF, DELREF or ACKED
  StreamValue::Trim trim;
  bool no_mkstream = false;
  std::optional<std::string_view> producer;  // IDMP or IDMPAUTO, of Redis 8.6
  std::optional<std::string_view> idempotent_id;
  bool has_id = false;   // not *
  bool has_seq = false;  // not ms-*
  StreamId id;
  size_t id_index = 0;  // where the id stands
};

/// Reads the MAXLEN or MINID whose value begins at args[i]; i becomes the last one read.
Result<void> ReadThreshold(const CommandContext& context, bool by_id, size_t& i, AddOptions& out) {
  if (out.has_trim) return kTwoStrategies;
  out.has_trim = true;
  out.trim.by_id = by_id;
  if (i + 1 < context.args.size()) {
    out.trim.approximate = context.arg(i) == "~";
    if (out.trim.approximate || context.arg(i) == "=") ++i;
  }
  if (by_id) {
    PEAL_ASSIGN_OR_RETURN(out.trim.min_id, ReadStreamId(context.arg(i)));
    return {};
  }
  const auto length = ParseInt64(context.arg(i));
  if (!length) return errors::kNotInteger;
  if (*length < 0) return kNegativeMaxLen;
  out.trim.max_length = static_cast<uint64_t>(*length);
  return {};
}

/// The id of XADD; "5-*" leaves the sequence number open.
Result<void> ReadNewId(std::string_view text, AddOptions& out) {
  out.has_id = true;
  out.has_seq = true;
  if (text.size() > 2 && text.size() <= kMaxIdChars && text.ends_with("-*")) {
    const auto ms = ReadIdPart(text.substr(0, text.size() - 2));
    if (!ms) return kInvalidStreamId;
    out.id = {*ms, 0};
    out.has_seq = false;
    return {};
  }
  PEAL_ASSIGN_OR_RETURN(out.id, ReadStreamId(text));
  return {};
}

Result<void> ReadAddOptions(const CommandContext& context, bool is_add, AddOptions& out) {
  bool has_limit = false;
  size_t i = 2;
  for (; i < context.args.size(); ++i) {
    const std::string_view option = context.arg(i);
    const bool has_more = i + 1 < context.args.size();
    if (is_add && option == "*") break;
    const bool by_id = EqualsIgnoreCase(option, "minid");
    if (has_more && (by_id || EqualsIgnoreCase(option, "maxlen"))) {
      PEAL_RETURN_IF_ERROR(ReadThreshold(context, by_id, ++i, out));
    } else if (has_more && EqualsIgnoreCase(option, "limit")) {
      const auto limit = ParseInt64(context.arg(++i));
      if (!limit) return errors::kNotInteger;
      if (*limit < 0) return kNegativeLimit;
      out.trim.limit = static_cast<uint64_t>(*limit);
      has_limit = true;
    } else if (const auto references = ReadReferences(option); references && !out.has_references) {
      out.trim.references = *references;
      out.has_references = true;
    } else if (is_add && EqualsIgnoreCase(option, "nomkstream")) {
      out.no_mkstream = true;
    } else if (is_add && has_more && EqualsIgnoreCase(option, "idmpauto")) {
      if (out.producer) return kTwoIdempotentIds;
      out.producer = context.arg(++i);
      if (out.producer->empty()) return kNoProducerForAuto;
    } else if (is_add && i + 2 < context.args.size() && EqualsIgnoreCase(option, "idmp")) {
      if (out.producer) return kTwoIdempotentIds;
      out.producer = context.arg(++i);
      out.idempotent_id = context.arg(++i);
      if (out.producer->empty()) return kNoProducer;
      if (out.idempotent_id->empty()) return kNoIdempotentId;
    } else if (is_add) {
      PEAL_RETURN_IF_ERROR(ReadNewId(option, out));
      break;
    } else {
      return errors::kSyntax;
    }
  }
  out.id_index = i;
  if (out.producer && out.has_id) return kIdempotentWithId;
  if (out.trim.limit != 0 && !out.has_trim) return kLimitWithoutStrategy;
  if (!is_add && !out.has_trim) return kNoStrategy;
  if (has_limit) {
    if (!out.trim.approximate) return kLimitOfExact;
  } else if (out.trim.approximate) {
    const uint64_t per_node = context.server.config().encoding.stream_node_max_entries;
    out.trim.limit = per_node == 0 ? kTrimmedWithoutNodeLimit
                                   : std::min(per_node, kMostTrimmed / kTrimNodes) * kTrimNodes;
  }
  return {};
}

/// The id of the new entry, behind those of `stream` (null: there is none yet).
Result<StreamId> ChooseId(const AddOptions& options, const StreamValue* stream, int64_t now_ms) {
  const StreamId last = stream == nullptr ? StreamId() : stream->last_id();
  if (last == StreamId::Max()) return kExhausted;
  if (!options.has_id) {
    return protocol::Checked(stream != nullptr ? stream->NextId(now_ms)
                                               : StreamValue().NextId(now_ms));
  }
  StreamId id = options.id;
  if (!options.has_seq && id.ms == last.ms) {
    if (last.seq == UINT64_MAX) return kSmallId;
    id.seq = last.seq + 1;
  }
  if (id <= last) return kSmallId;
  return id;
}

std::string_view ReferencesName(const StreamValue::Trim& trim) {
  switch (trim.references) {
    case StreamValue::References::kKeep:
      break;
    case StreamValue::References::kDelete:
      return "DELREF";
    case StreamValue::References::kAcknowledged:
      return "ACKED";
  }
  return "KEEPREF";
}

void ReplicateAdd(CommandContext& context, const AddOptions& options,
                  std::string_view idempotent_id, StreamId id, uint64_t length) {
  Unit& unit = context.unit;
  if (!unit.collects_effects()) return;
  // Trimming to a length is the same everywhere, whatever the nodes look like: what goes are the
  // first that may go.
  const std::string_view key = context.arg(1);
  const std::string length_text = std::to_string(length);
  const std::string id_text = id.ToString();
  std::vector<std::string_view> effect = {"XADD", key};
  if (options.has_trim && !options.producer) {
    effect.insert(effect.end(), {ReferencesName(options.trim), "MAXLEN", "=", length_text});
  }
  effect.push_back(id_text);
  const auto fields = context.args.subspan(options.id_index + 1);
  effect.insert(effect.end(), fields.begin(), fields.end());
  unit.Replicate(std::span<const std::string_view>(effect));
  if (!options.producer) return;
  // What a producer has added is remembered even if trimming takes it at once, and can be recorded
  // only while it is there.
  unit.Replicate("XIDMPRECORD", key, *options.producer, idempotent_id, id_text);
  if (options.has_trim) {
    unit.Replicate("XTRIM", key, ReferencesName(options.trim), "MAXLEN", "=", length_text);
  }
}

/// The id of a message by what is in it: the same whatever the order of its fields.
std::string IdempotentIdOf(std::span<const std::string_view> fields) {
  std::vector<std::array<char, 16>> pairs;
  pairs.reserve(fields.size() / 2);
  std::string pair;
  for (size_t i = 0; i < fields.size(); i += 2) {
    pair = std::to_string(fields[i].size());
    pair += ' ';
    pair += fields[i];
    pair += fields[i + 1];
    pairs.push_back(store::WideDigestOf(pair));
  }
  std::sort(pairs.begin(), pairs.end());
  const auto digest = store::WideDigestOf({pairs.data()->data(), pairs.size() * pairs[0].size()});
  return {digest.data(), digest.size()};
}

/// The entry that the producer has added before with this id; null if there is none.
const StreamId* FindDuplicate(CommandContext& context, const AddOptions& options,
                              std::string_view idempotent_id, const Found<StreamValue>& found) {
  if (!found || found.value->idempotent_ids() == nullptr) return nullptr;
  Edit<StreamValue> edit(context.unit, context.arg(1), found);
  store::IdempotentIds& ids = *edit->idempotent_ids();
  ids.Expire(context.unit.now_ms());
  edit.CommitQuietly(0);
  return ids.Find(protocol::Checked(options.producer), idempotent_id);
}

void XAdd(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  AddOptions options;
  if (const auto read = ReadAddOptions(context, true, options); !read.ok()) {
    return context.Fail(read.error());
  }
  const auto fields = context.args.subspan(std::min(options.id_index + 1, context.args.size()));
  if (fields.empty() || fields.size() % 2 != 0) return context.Fail(errors::WrongArity("xadd"));
  if (options.has_id && options.has_seq && options.id.IsZero()) return context.Fail(kZeroId);

  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found && options.no_mkstream) return context.reply.Null();
  std::string idempotent_id;
  if (options.producer) {
    idempotent_id = options.idempotent_id ? *options.idempotent_id : IdempotentIdOf(fields);
    const StreamId* const added = FindDuplicate(context, options, idempotent_id, *found);
    if (added != nullptr) {
      found->value->idempotent_ids()->CountDuplicate();
      return ReplyStreamId(context.reply, *added);
    }
  }
  const Result<StreamId> id = ChooseId(options, found->value, unit.now_ms());
  if (!id.ok()) return context.Fail(id.error());
  uint64_t bytes = 0;
  for (const std::string_view text : fields) bytes += text.size();
  if (bytes > StreamValue::kMaxNodeBytes) return context.Fail(kTooLarge);

  Edit<StreamValue> edit(unit, key, *found, [] { return std::make_unique<StreamValue>(); });
  edit->Append(context.server.config().encoding, *id, fields);
  const uint64_t trimmed = options.has_trim ? edit->TrimFront(options.trim) : 0;
  const uint64_t length = edit->length();
  if (options.producer) edit->MakeIdempotentIds().Add(*options.producer, idempotent_id, *id);
  edit.Commit();
  unit.Notify(kNotifyStream, "xadd", key);
  if (trimmed > 0) unit.Notify(kNotifyStream, "xtrim", key);
  ReplicateAdd(context, options, idempotent_id, *id, length);
  ReplyStreamId(context.reply, *id);
}

void XTrim(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  AddOptions options;
  if (const auto read = ReadAddOptions(context, false, options); !read.ok()) {
    return context.Fail(read.error());
  }
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  Edit<StreamValue> edit(unit, key, *found);
  const uint64_t trimmed = edit->TrimFront(options.trim);
  if (trimmed > 0) {
    const auto length = static_cast<int64_t>(edit->length());
    edit.Commit(trimmed);
    unit.Notify(kNotifyStream, "xtrim", key);
    unit.Replicate("XTRIM", key, ReferencesName(options.trim), "MAXLEN", "=", length);
  }
  context.reply.Integer(static_cast<int64_t>(trimmed));
}

// ---------------------------------------------------------------- others that change

void XDel(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found) return context.reply.Integer(0);
  const auto ids = ReadStreamIds(context.args.subspan(2));
  if (!ids.ok()) return context.Fail(ids.error());
  Edit<StreamValue> edit(unit, key, *found);
  uint64_t deleted = 0;
  for (const StreamId id : *ids) {
    if (!edit->Delete(id)) continue;
    edit->NoteDeleted(id);
    ++deleted;
  }
  if (deleted > 0) {
    edit.Commit(deleted);
    unit.Notify(kNotifyStream, "xdel", key);
    unit.Replicate(context.args);
  }
  context.reply.Integer(static_cast<int64_t>(deleted));
}

void XDelEx(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Result<DeleteRequest> request = ReadDeleteRequest(context.args, 2);
  if (!request.ok()) return context.Fail(request.error());
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  context.reply.Array(request->ids.size());
  if (!*found) {
    for (size_t i = 0; i < request->ids.size(); ++i) context.reply.Integer(kIdIsNotThere);
    return;
  }
  Edit<StreamValue> edit(unit, key, *found);
  uint64_t changes = 0;
  bool has_deleted = false;
  for (const StreamId id : request->ids) {
    const int64_t outcome = DeleteEntry(*edit, id, request->references, changes);
    if (outcome == kIdDeleted) has_deleted = true;
    context.reply.Integer(outcome);
  }
  if (changes == 0) return;
  edit.Commit(changes);
  if (has_deleted) unit.Notify(kNotifyStream, "xdel", key);
  unit.Replicate(context.args);
}

constexpr Error kNegativeAdded = Error::Static("ERR entries_added must be positive");
constexpr Error kIdBelowGivenDeleted = Error::Static(
    "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id");
constexpr Error kIdBelowTop =
    Error::Static("ERR The ID specified in XSETID is smaller than the target stream top item");
constexpr Error kAddedBelowLength = Error::Static(
    "ERR The entries_added specified in XSETID is smaller than the target stream length");

void XSetId(CommandContext& context) {
  Unit& unit = context.unit;
  const std::string_view key = context.arg(1);
  const Result<StreamId> id = ReadStreamId(context.arg(2));
  if (!id.ok()) return context.Fail(id.error());
  std::optional<int64_t> added;
  StreamId max_deleted;
  for (size_t i = 3; i < context.args.size(); i += 2) {
    const std::string_view option = context.arg(i);
    if (i + 1 == context.args.size()) return context.Fail(errors::kSyntax);
    if (EqualsIgnoreCase(option, "entriesadded")) {
      added = ParseInt64(context.arg(i + 1));
      if (!added) return context.Fail(errors::kNotInteger);
      if (*added < 0) return context.Fail(kNegativeAdded);
    } else if (EqualsIgnoreCase(option, "maxdeletedid")) {
      const Result<StreamId> read = ReadStreamId(context.arg(i + 1));
      if (!read.ok()) return context.Fail(read.error());
      if (*id < *read) return context.Fail(kIdBelowGivenDeleted);
      max_deleted = *read;
    } else {
      return context.Fail(errors::kSyntax);
    }
  }
  const auto found = FindValue<StreamValue>(context, key);
  if (!found) return;
  if (!*found) return context.Fail(errors::kNoKey);
  StreamValue& stream = *found->value;
  if (stream.length() > 0) {
    if (*id < stream.LastEntryId()) return context.Fail(kIdBelowTop);
    if (added && static_cast<uint64_t>(*added) < stream.length()) {
      return context.Fail(kAddedBelowLength);
    }
  }
  Edit<StreamValue> edit(unit, key, *found);
  stream.set_last_id(*id);
  if (added) stream.set_entries_added(static_cast<uint64_t>(*added));
  if (!max_deleted.IsZero()) stream.set_max_deleted_id(max_deleted);
  edit.CommitQuietly(1);
  unit.Notify(kNotifyStream, "xsetid", key);
  unit.Replicate(context.args);
  context.reply.Ok();
}

// ---------------------------------------------------------------- reading

void XLen(CommandContext& context) {
  const auto found = ReadValue<StreamValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Integer(*found ? static_cast<int64_t>(found->value->length()) : 0);
}

void ReplyRange(CommandContext& context, bool backwards) {
  const Result<StreamId> first = ReadRangeStart(context.arg(backwards ? 3 : 2));
  if (!first.ok()) return context.Fail(first.error());
  const Result<StreamId> last = ReadRangeEnd(context.arg(backwards ? 2 : 3));
  if (!last.ok()) return context.Fail(last.error());
  std::optional<int64_t> count;
  for (size_t i = 4; i < context.args.size(); i += 2) {
    if (i + 1 == context.args.size() || !EqualsIgnoreCase(context.arg(i), "count")) {
      return context.Fail(errors::kSyntax);
    }
    count = ParseInt64(context.arg(i + 1));
    if (!count) return context.Fail(errors::kNotInteger);
  }
  const auto found = ReadValue<StreamValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Array(0);
  if (count && *count <= 0) return context.reply.NullArray();
  ReplyStreamRange(context.reply, *found->value, *first, *last,
                   static_cast<uint64_t>(count.value_or(0)), backwards);
}

void XRange(CommandContext& context) { ReplyRange(context, false); }
void XRevRange(CommandContext& context) { ReplyRange(context, true); }

// ---------------------------------------------------------------- rows

constexpr KeySpec kXackKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kXaddTrimStrategy[] = {
    {.name = "maxlen", .type = ArgType::kPureToken, .token = "MAXLEN"},
    {.name = "minid", .type = ArgType::kPureToken, .token = "MINID", .since = "6.2.0"}};
constexpr ArgSpec kReferences[] = {
    {.name = "keepref", .type = ArgType::kPureToken, .token = "KEEPREF"},
    {.name = "delref", .type = ArgType::kPureToken, .token = "DELREF"},
    {.name = "acked", .type = ArgType::kPureToken, .token = "ACKED"}};
constexpr ArgSpec kIds[] = {{.name = "numids", .type = ArgType::kInteger},
                            {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kXdelexArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "condition", .type = ArgType::kOneOf, .is_optional = true, .children = kReferences},
    {.name = "ids", .type = ArgType::kBlock, .token = "IDS", .children = kIds}};
constexpr ArgSpec kXaddTrimOperator[] = {
    {.name = "equal", .type = ArgType::kPureToken, .token = "="},
    {.name = "approximately", .type = ArgType::kPureToken, .token = "~"}};
constexpr ArgSpec kXaddTrim[] = {
    {.name = "strategy", .type = ArgType::kOneOf, .children = kXaddTrimStrategy},
    {.name = "operator",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .children = kXaddTrimOperator},
    {.name = "threshold", .type = ArgType::kString},
    {.name = "count",
     .type = ArgType::kInteger,
     .token = "LIMIT",
     .is_optional = true,
     .since = "6.2.0"}};
constexpr ArgSpec kXaddIdOrAuto[] = {{.name = "auto_id", .type = ArgType::kPureToken, .token = "*"},
                                     {.name = "id", .type = ArgType::kString}};
constexpr ArgSpec kXaddFieldValue[] = {{.name = "field", .type = ArgType::kString},
                                       {.name = "value", .type = ArgType::kString}};
constexpr ArgSpec kXaddIdmp[] = {{.name = "producer-id", .type = ArgType::kString},
                                 {.name = "idempotent-id", .type = ArgType::kString}};
constexpr ArgSpec kXaddIdempotence[] = {
    {.name = "producer-id", .type = ArgType::kString, .token = "IDMPAUTO"},
    {.name = "idmp", .type = ArgType::kBlock, .token = "IDMP", .children = kXaddIdmp}};
constexpr ArgSpec kXaddArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "nomkstream",
     .type = ArgType::kPureToken,
     .token = "NOMKSTREAM",
     .is_optional = true,
     .since = "6.2.0"},
    {.name = "condition",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .since = "8.2.0",
     .children = kReferences},
    {.name = "idempotency",
     .type = ArgType::kOneOf,
     .is_optional = true,
     .since = "8.6.0",
     .children = kXaddIdempotence},
    {.name = "trim", .type = ArgType::kBlock, .is_optional = true, .children = kXaddTrim},
    {.name = "id_or_auto", .type = ArgType::kOneOf, .children = kXaddIdOrAuto},
    {.name = "field_value",
     .type = ArgType::kBlock,
     .is_multiple = true,
     .children = kXaddFieldValue}};
constexpr HistoryEntry kXaddHistory[] = {{"6.2.0", "`NOMKSTREAM`, `MINID` and `LIMIT`."},
                                         {"7.0.0", "Ids of the form `<ms>-*`."},
                                         {"8.2.0", "`KEEPREF`, `DELREF` and `ACKED`."},
                                         {"8.6.0", "`IDMP` and `IDMPAUTO`."}};
constexpr std::string_view kXaddTips[] = {"nondeterministic_output"};
constexpr KeySpec kXautoclaimKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kXdelArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "id", .type = ArgType::kString, .is_multiple = true}};
constexpr ArgSpec kXinfoGroupsArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr KeySpec kXlenKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr KeySpec kXpendingKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kXrangeArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "start", .type = ArgType::kString},
    {.name = "end", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr HistoryEntry kXrangeHistory[] = {{"6.2.0", "Ranges that leave out their ends."}};
constexpr ArgSpec kXrevrangeArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "end", .type = ArgType::kString},
    {.name = "start", .type = ArgType::kString},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr ArgSpec kXsetidArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "last-id", .type = ArgType::kString},
                                   {.name = "entries_added",
                                    .type = ArgType::kInteger,
                                    .token = "ENTRIESADDED",
                                    .is_optional = true,
                                    .since = "7.0.0"},
                                   {.name = "max_deleted_entry_id",
                                    .type = ArgType::kString,
                                    .token = "MAXDELETEDID",
                                    .is_optional = true,
                                    .since = "7.0.0"}};
constexpr HistoryEntry kXsetidHistory[] = {{"7.0.0", "`ENTRIESADDED` and `MAXDELETEDID`."}};
constexpr ArgSpec kXtrimArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                  {.name = "trim", .type = ArgType::kBlock, .children = kXaddTrim}};
constexpr HistoryEntry kXtrimHistory[] = {{"6.2.0", "`MINID` and `LIMIT`."}};

constexpr Command kRows[] = {
    {.spec =
         {.name = "xadd",
          .arity = -5,
          .group = Group::kStream,
          .since = "5.0.0",
          .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
          .keys = kXackKeys,
          .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
          .complexity = "O(1), and O(N) for N entries that are trimmed",
          .summary =
              "Adds an entry to a stream, which is created if it does not exist, and may trim it.",
          .arguments = kXaddArgs,
          .history = kXaddHistory,
          .tips = kXaddTips},
     .run = XAdd},
    {.spec = {.name = "xdel",
              .arity = -3,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXautoclaimKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N) for each id, with N entries in the stream",
              .summary = "Deletes entries of a stream.",
              .arguments = kXdelArgs},
     .run = XDel},
    {.spec = {.name = "xdelex",
              .arity = -5,
              .group = Group::kStream,
              .since = "8.2.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kXautoclaimKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(log N + G) for each id, with N entries in the stream and G groups",
              .summary = "Deletes entries of a stream, with or without what is pending of them.",
              .arguments = kXdelexArgs},
     .run = XDelEx},
    {.spec = {.name = "xlen",
              .arity = 2,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kXlenKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the number of entries of a stream.",
              .arguments = kXinfoGroupsArgs},
     .run = XLen},
    {.spec = {.name = "xrange",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXpendingKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .complexity = "O(N) with N entries returned",
              .summary = "Returns the entries of a range of ids.",
              .arguments = kXrangeArgs,
              .history = kXrangeHistory},
     .run = XRange},
    {.spec = {.name = "xrevrange",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kReadonly,
              .keys = kXpendingKeys,
              .acl = Acl::kRead | Acl::kStream | Acl::kSlow,
              .complexity = "O(N) with N entries returned",
              .summary = "Returns the entries of a range of ids, from the greatest to the least.",
              .arguments = kXrevrangeArgs,
              .history = kXrangeHistory},
     .run = XRevRange},
    {.spec = {.name = "xsetid",
              .arity = -3,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kXackKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Sets the last id of a stream; for replication.",
              .arguments = kXsetidArgs,
              .history = kXsetidHistory},
     .run = XSetId},
    {.spec = {.name = "xtrim",
              .arity = -4,
              .group = Group::kStream,
              .since = "5.0.0",
              .flags = Flag::kWrite,
              .keys = kXautoclaimKeys,
              .acl = Acl::kWrite | Acl::kStream | Acl::kSlow,
              .complexity = "O(N) with N entries trimmed; whole nodes count as one",
              .summary = "Deletes entries from the front of a stream.",
              .arguments = kXtrimArgs,
              .history = kXtrimHistory,
              .tips = kXaddTips},
     .run = XTrim},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> StreamCommands() { return kRows; }

}  // namespace peal::broker
