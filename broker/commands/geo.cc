// Geospatial sorted sets. Source of replies, errors and events: Redis 7.2, observed on 7.0.15.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/commands/geohash.h"
#include "broker/commands/sorted_set.h"
#include "broker/exec/edit.h"
#include "broker/exec/server.h"
#include "broker/exec/unit.h"
#include "protocol/base/check.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"
#include "protocol/command/keys.h"

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
using store::ZsetValue;

namespace errors = protocol::errors;

constexpr Error kUnknownUnit =
    Error::Static("ERR unsupported unit provided. please use M, KM, FT, MI");
constexpr Error kNoRadius = Error::Static("ERR need numeric radius");
constexpr Error kNegativeRadius = Error::Static("ERR radius cannot be negative");
constexpr Error kNoWidth = Error::Static("ERR need numeric width");
constexpr Error kNoHeight = Error::Static("ERR need numeric height");
constexpr Error kNegativeBox = Error::Static("ERR height or width cannot be negative");
constexpr Error kFewCorners =
    Error::Static("ERR GEOSEARCH BYPOLYGON must have at least 3 vertices");
constexpr Error kNoMember = Error::Static("ERR could not decode requested zset member");
constexpr Error kCountNotPositive = Error::Static("ERR COUNT must be > 0");
constexpr Error kAnyWithoutCount = Error::Static("ERR the ANY argument requires COUNT argument");

// ---------------------------------------------------------------- arguments

/// Metres of a unit; nullopt with the error replied.
std::optional<double> ReadUnit(CommandContext& context, std::string_view unit) {
  if (EqualsIgnoreCase(unit, "m")) return 1;
  if (EqualsIgnoreCase(unit, "km")) return 1000;
  if (EqualsIgnoreCase(unit, "ft")) return 0.3048;
  if (EqualsIgnoreCase(unit, "mi")) return 1609.34;
  context.Fail(kUnknownUnit);
  return std::nullopt;
}

/// Longitude and latitude at args[at]; nullopt with the error replied.
std::optional<GeoPoint> ReadPoint(CommandContext& context, size_t at) {
  const std::optional<double> longitude = protocol::ParseDouble(context.arg(at));
  const std::optional<double> latitude =
      longitude ? protocol::ParseDouble(context.arg(at + 1)) : std::nullopt;
  if (!longitude || !latitude) {
    context.Fail(errors::kNotFloat);
    return std::nullopt;
  }
  if (*longitude < -kGeoMaxLongitude || *longitude > kGeoMaxLongitude ||
      *latitude < -kGeoMaxLatitude || *latitude > kGeoMaxLatitude) {
    char text[768];  // two doubles with all their digits
    const int size = std::snprintf(text, sizeof text, "ERR invalid longitude,latitude pair %f,%f",
                                   *longitude, *latitude);
    context.Fail(Error::Owned({text, static_cast<size_t>(size)}));
    return std::nullopt;
  }
  return GeoPoint{*longitude, *latitude};
}

// ---------------------------------------------------------------- replies

/// Four digits behind the point; text in RESP3 too.
void ReplyDistance(protocol::ReplyWriter& reply, double distance) {
  char text[384];
  const int size = std::snprintf(text, sizeof text, "%.4f", distance);
  reply.Bulk({text, static_cast<size_t>(size)});
}

void ReplyDegrees(protocol::ReplyWriter& reply, double degrees) {
  const std::string text = protocol::FormatLongDoubleHuman(degrees);
  if (reply.version() == protocol::RespVersion::k2) return reply.Bulk(text);
  reply.sink().Append("," + text + "\r\n");  // with more digits than Double has
}

void ReplyPoint(protocol::ReplyWriter& reply, const GeoPoint& point) {
  reply.Array(2);
  ReplyDegrees(reply, point.longitude);
  ReplyDegrees(reply, point.latitude);
}

// ---------------------------------------------------------------- members

void GeoAdd(CommandContext& context) {
  size_t first = 2;
  bool only_new = false;
  bool only_existing = false;
  for (; first < context.args.size(); ++first) {
    const std::string_view option = context.arg(first);
    if (EqualsIgnoreCase(option, "nx")) {
      only_new = true;
    } else if (EqualsIgnoreCase(option, "xx")) {
      only_existing = true;
    } else if (!EqualsIgnoreCase(option, "ch")) {
      break;
    }
  }
  const size_t left = context.args.size() - first;
  if (left % 3 != 0 || (only_new && only_existing)) return context.Fail(errors::kSyntax);

  // The rest is ZADD's, the effect too.
  std::vector<std::string> scores;
  scores.reserve(left / 3);
  std::vector<std::string_view> args(context.args.begin(),
                                     context.args.begin() + static_cast<ptrdiff_t>(first));
  args[0] = "ZADD";
  for (size_t i = first; i < context.args.size(); i += 3) {
    const std::optional<GeoPoint> point = ReadPoint(context, i);
    if (!point) return;
    scores.push_back(std::to_string(static_cast<uint64_t>(GeoScore(*point))));
    args.push_back(scores.back());
    args.push_back(context.arg(i + 2));
  }
  CommandContext zadd{context.server, context.worker, context.client,  context.command,  args,
                      context.reply,  context.unit,   context.in_exec, context.is_silent};
  ZAdd(zadd);
}

void GeoDist(CommandContext& context) {
  double unit = 1;
  if (context.args.size() > 5) return context.Fail(errors::kSyntax);
  if (context.args.size() == 5) {
    const std::optional<double> read = ReadUnit(context, context.arg(4));
    if (!read) return;
    unit = *read;
  }
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  if (!*found) return context.reply.Null();
  const std::optional<double> from = found->value->Score(context.arg(2));
  const std::optional<double> to = found->value->Score(context.arg(3));
  if (!from || !to) return context.reply.Null();
  ReplyDistance(context.reply, GeoDistance(PointOfScore(*from), PointOfScore(*to)) / unit);
}

void GeoHash(CommandContext& context) {
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Array(context.args.size() - 2);
  for (const std::string_view member : context.args.subspan(2)) {
    const std::optional<double> score = *found ? found->value->Score(member) : std::nullopt;
    score ? context.reply.Bulk(GeohashText(PointOfScore(*score))) : context.reply.Null();
  }
}

void GeoPos(CommandContext& context) {
  const auto found = ReadValue<ZsetValue>(context, context.arg(1));
  if (!found) return;
  context.reply.Array(context.args.size() - 2);
  for (const std::string_view member : context.args.subspan(2)) {
    const std::optional<double> score = *found ? found->value->Score(member) : std::nullopt;
    if (score) {
      ReplyPoint(context.reply, PointOfScore(*score));
    } else {
      context.reply.NullArray();
    }
  }
}

// ---------------------------------------------------------------- searching

enum class Order : uint8_t { kNone, kNearestFirst, kFarthestFirst };

/// Where the options of GEORADIUS and GEORADIUSBYMEMBER begin.
constexpr int kRadiusOptions = 6;
constexpr int kByMemberOptions = 5;

/// Which command searches.
struct SearchForm {
  bool is_geosearch = false;  // GEOSEARCH and GEOSEARCHSTORE
  bool by_member = false;     // GEORADIUSBYMEMBER
  bool may_store = false;     // all but GEOSEARCH and those that only read
};

struct Search {
  const ZsetValue* zset = nullptr;  // null: no such key
  GeoShape shape;
  double unit = 1;
  bool has_center = false;
  bool has_member = false;
  bool has_circle = false;
  bool has_box = false;
  bool has_polygon = false;
  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  bool any = false;
  uint64_t count = 0;  // 0: all
  Order order = Order::kNone;
  std::optional<std::string_view> destination;
  bool stores_distance = false;
};

/// A radius and its unit at args[at].
bool ReadCircle(CommandContext& context, size_t at, Search& search) {
  const std::optional<double> radius = protocol::ParseDouble(context.arg(at));
  if (!radius || *radius < 0) {
    context.Fail(radius ? kNegativeRadius : kNoRadius);
    return false;
  }
  const std::optional<double> unit = ReadUnit(context, context.arg(at + 1));
  if (!unit) return false;
  search.unit = *unit;
  search.shape.kind = GeoShape::Kind::kCircle;
  search.shape.radius = *radius * *unit;
  return true;
}

/// Width, height and their unit at args[at].
bool ReadBox(CommandContext& context, size_t at, Search& search) {
  const std::optional<double> width = protocol::ParseDouble(context.arg(at));
  const std::optional<double> height = protocol::ParseDouble(context.arg(at + 1));
  if (!width || !height) {
    context.Fail(width ? kNoHeight : kNoWidth);
    return false;
  }
  if (*width < 0 || *height < 0) {
    context.Fail(kNegativeBox);
    return false;
  }
  const std::optional<double> unit = ReadUnit(context, context.arg(at + 2));
  if (!unit) return false;
  search.unit = *unit;
  search.shape.kind = GeoShape::Kind::kBox;
  search.shape.width = *width * *unit;
  search.shape.height = *height * *unit;
  return true;
}

bool ReadCenter(CommandContext& context, size_t at, Search& search) {
  const std::optional<GeoPoint> point = ReadPoint(context, at);
  if (point) search.shape.center = *point;
  return point.has_value();
}

/// The number of corners of a polygon at args[at], and the corners behind it; moves `at` to the
/// last word.
bool ReadPolygon(CommandContext& context, size_t& at, Search& search) {
  const std::optional<int64_t> count = protocol::ParseInt64(context.arg(at));
  if (!count) {
    context.Fail(errors::kNotInteger);
    return false;
  }
  if (*count < 3) {
    context.Fail(kFewCorners);
    return false;
  }
  const size_t left = context.args.size() - at - 1;
  if (static_cast<uint64_t>(*count) > left / 2) {
    context.Fail(errors::kSyntax);
    return false;
  }
  std::vector<GeoPoint> corners;
  corners.reserve(static_cast<size_t>(*count));
  for (int64_t i = 0; i < *count; ++i, at += 2) {
    const std::optional<GeoPoint> corner = ReadPoint(context, at + 1);
    if (!corner) return false;
    corners.push_back(*corner);
  }
  search.shape.SetCorners(std::move(corners));
  return true;
}

/// The center is a member; without a sorted set there is nothing to look for.
bool FindCenter(CommandContext& context, std::string_view member, Search& search) {
  if (search.zset == nullptr) return true;
  const std::optional<double> score = search.zset->Score(member);
  if (!score) {
    context.Fail(kNoMember);
    return false;
  }
  search.shape.center = PointOfScore(*score);
  return true;
}

/// Reads one option of GEOSEARCH that states the shape, at args[at]; moves `at` to its last word.
/// nullopt if it is none, else whether it was good; errors are replied.
std::optional<bool> ReadShapeOption(CommandContext& context, size_t& at, Search& search) {
  const std::string_view option = context.arg(at);
  const size_t left = context.args.size() - at - 1;
  const size_t value = at + 1;
  if (EqualsIgnoreCase(option, "frommember") && left >= 1 && !search.has_center &&
      !search.has_polygon) {
    search.has_member = true;
    at += 1;
    return FindCenter(context, context.arg(value), search);
  }
  if (EqualsIgnoreCase(option, "fromlonlat") && left >= 2 && !search.has_member &&
      !search.has_polygon) {
    search.has_center = true;
    at += 2;
    return ReadCenter(context, value, search);
  }
  if (EqualsIgnoreCase(option, "byradius") && left >= 2 && !search.has_box && !search.has_polygon) {
    search.has_circle = true;
    at += 2;
    return ReadCircle(context, value, search);
  }
  if (EqualsIgnoreCase(option, "bybox") && left >= 3 && !search.has_circle && !search.has_polygon) {
    search.has_box = true;
    at += 3;
    return ReadBox(context, value, search);
  }
  if (EqualsIgnoreCase(option, "bypolygon") && left >= 1 && !search.has_circle && !search.has_box &&
      !search.has_center && !search.has_member && !search.has_polygon) {
    search.has_polygon = true;
    at += 1;
    return ReadPolygon(context, at, search);
  }
  return std::nullopt;
}

bool ReadOptions(CommandContext& context, size_t at, const SearchForm& form, Search& search) {
  for (; at < context.args.size(); ++at) {
    const std::string_view option = context.arg(at);
    const bool has_value = at + 1 < context.args.size();
    if (EqualsIgnoreCase(option, "withdist")) {
      search.with_distance = true;
    } else if (EqualsIgnoreCase(option, "withhash")) {
      search.with_hash = true;
    } else if (EqualsIgnoreCase(option, "withcoord")) {
      search.with_point = true;
    } else if (EqualsIgnoreCase(option, "any")) {
      search.any = true;
    } else if (EqualsIgnoreCase(option, "asc")) {
      search.order = Order::kNearestFirst;
    } else if (EqualsIgnoreCase(option, "desc")) {
      search.order = Order::kFarthestFirst;
    } else if (EqualsIgnoreCase(option, "count") && has_value) {
      const std::optional<int64_t> count = protocol::ParseInt64(context.arg(++at));
      if (!count || *count <= 0) {
        context.Fail(count ? kCountNotPositive : errors::kNotInteger);
        return false;
      }
      search.count = static_cast<uint64_t>(*count);
    } else if (!form.is_geosearch && form.may_store && has_value &&
               (EqualsIgnoreCase(option, "store") || EqualsIgnoreCase(option, "storedist"))) {
      search.destination = context.arg(++at);
      search.stores_distance = option.size() > 5;
    } else if (form.is_geosearch && form.may_store && EqualsIgnoreCase(option, "storedist")) {
      search.stores_distance = true;
    } else {
      const std::optional<bool> is_good =
          form.is_geosearch ? ReadShapeOption(context, at, search) : std::nullopt;
      if (!is_good) context.Fail(errors::kSyntax);
      if (!is_good.value_or(false)) return false;
    }
  }
  return true;
}

/// What only shows when all options are known. False with the error replied.
bool CheckOptions(CommandContext& context, const SearchForm& form, const Search& search) {
  if (search.destination && (search.with_distance || search.with_hash || search.with_point)) {
    const std::string who = form.is_geosearch ? "GEOSEARCHSTORE" : "STORE option in GEORADIUS";
    context.Fail(Error::Owned("ERR " + who +
                              " is not compatible with WITHDIST, WITHHASH and WITHCOORD options"));
    return false;
  }
  const std::string name(context.arg(0));
  if (form.is_geosearch && !search.has_member && !search.has_center && !search.has_polygon) {
    context.Fail(
        Error::Owned("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name));
    return false;
  }
  if (form.is_geosearch && !search.has_circle && !search.has_box && !search.has_polygon) {
    context.Fail(
        Error::Owned("ERR exactly one of BYRADIUS and BYBOX can be specified for " + name));
    return false;
  }
  if (search.any && search.count == 0) {
    context.Fail(kAnyWithoutCount);
    return false;
  }
  return true;
}

struct Match {
  std::string member;
  GeoPoint point;
  double score;
  double distance;  // metres
};

std::vector<Match> FindMatches(const Search& search) {
  std::vector<Match> matches;
  const uint64_t enough = search.any ? search.count : UINT64_MAX;
  const GeoCell* last = nullptr;
  const std::array<GeoCell, 9> cells = CellsOf(search.shape);
  for (const GeoCell& cell : cells) {
    if (cell.step == 0) continue;
    // Where cells are large, neighbours are the same.
    if (last != nullptr && cell.Bits() == last->Bits()) continue;
    if (matches.size() >= enough) break;
    const store::ScoreRange range{.min = static_cast<double>(cell.FirstScore()),
                                  .max = static_cast<double>(cell.EndScore()),
                                  .excludes_max = true};
    const store::RankRange ranks = search.zset->Find(range);
    ZsetValue::Cursor at = search.zset->At(ranks.first);
    for (size_t left = ranks.size(); left > 0 && matches.size() < enough; --left, at.Next()) {
      Match match{
          .member = {}, .point = PointOfScore(at.score()), .score = at.score(), .distance = 0};
      if (!search.shape.Contains(match.point, match.distance)) continue;
      match.member = at.member();
      matches.push_back(std::move(match));
    }
    // The first cell is not compared with those behind it, as with Redis.
    if (&cell != cells.data()) last = &cell;
  }
  return matches;
}

void SortMatches(std::vector<Match>& matches, Order order) {
  if (order == Order::kNone) return;
  std::stable_sort(matches.begin(), matches.end(), [order](const Match& a, const Match& b) {
    return order == Order::kNearestFirst ? a.distance < b.distance : b.distance < a.distance;
  });
}

void ReplyMatches(CommandContext& context, const Search& search,
                  const std::vector<Match>& matches) {
  protocol::ReplyWriter& reply = context.reply;
  const size_t options =
      size_t{search.with_distance} + size_t{search.with_hash} + size_t{search.with_point};
  reply.Array(matches.size());
  for (const Match& match : matches) {
    if (options != 0) reply.Array(1 + options);
    reply.Bulk(match.member);
    if (search.with_distance) ReplyDistance(reply, match.distance / search.unit);
    if (search.with_hash) reply.Integer(static_cast<int64_t>(match.score));
    if (search.with_point) ReplyPoint(reply, match.point);
  }
}

/// Puts the matches at the destination, with their scores or their distances.
void StoreMatches(CommandContext& context, const SearchForm& form, const Search& search,
                  const std::vector<Match>& matches) {
  const store::EncodingLimits& limits = context.server.config().encoding;
  size_t longest = 0;
  for (const Match& match : matches) longest = std::max(longest, match.member.size());
  auto stored = std::make_unique<ZsetValue>(matches.size(), longest, limits);
  for (const Match& match : matches) {
    double score = search.stores_distance ? match.distance / search.unit : match.score;
    stored->Add(match.member, score, {}, limits);
  }
  StoreZset(context, protocol::Checked(search.destination), std::move(stored),
            form.is_geosearch ? "geosearchstore" : "georadiusstore");
}

/// `key_at`: where the key that is searched stands.
void SearchGeneric(CommandContext& context, const SearchForm& form, size_t key_at) {
  Search search;
  const auto found = ReadValue<ZsetValue>(context, context.arg(key_at));
  if (!found) return;
  search.zset = found->value;
  size_t options_at = key_at + 1;
  if (form.is_geosearch) {
    if (key_at == 2) search.destination = context.arg(1);
  } else if (form.by_member) {
    options_at = kByMemberOptions;
    // Without a sorted set, neither the member nor the radius is looked at.
    if (search.zset != nullptr &&
        (!FindCenter(context, context.arg(2), search) || !ReadCircle(context, 3, search))) {
      return;
    }
  } else {
    options_at = kRadiusOptions;
    if (!ReadCenter(context, 2, search) || !ReadCircle(context, 4, search)) return;
  }
  if (!ReadOptions(context, options_at, form, search)) return;
  if (!CheckOptions(context, form, search)) return;

  std::vector<Match> matches;
  if (search.zset != nullptr) matches = FindMatches(search);
  // Which are the nearest shows when they are in order.
  if (search.count != 0 && !search.any && search.order == Order::kNone) {
    search.order = Order::kNearestFirst;
  }
  SortMatches(matches, search.order);
  if (search.count != 0 && matches.size() > search.count) matches.resize(search.count);
  if (search.destination) {
    StoreMatches(context, form, search, matches);
  } else {
    ReplyMatches(context, search, matches);
  }
}

void GeoSearch(CommandContext& context) { SearchGeneric(context, {.is_geosearch = true}, 1); }
void GeoSearchStore(CommandContext& context) {
  SearchGeneric(context, {.is_geosearch = true, .may_store = true}, 2);
}
void GeoRadius(CommandContext& context) { SearchGeneric(context, {.may_store = true}, 1); }
void GeoRadiusRo(CommandContext& context) { SearchGeneric(context, {}, 1); }
void GeoRadiusByMember(CommandContext& context) {
  SearchGeneric(context, {.by_member = true, .may_store = true}, 1);
}
void GeoRadiusByMemberRo(CommandContext& context) {
  SearchGeneric(context, {.by_member = true}, 1);
}

// ---------------------------------------------------------------- rows

/// The key that GEORADIUS and GEORADIUSBYMEMBER, whose options begin at args[at], write to: of
/// STORE and STOREDIST the last one counts, as ReadOptions does it.
/// Differs: Redis 7.0 takes the first of each for the key, checks the rights to that, and writes to
/// the last.
void FindDestination(std::span<const std::string_view> args, size_t at,
                     std::vector<protocol::KeyAt>& keys) {
  size_t destination = 0;
  for (; at + 1 < args.size(); ++at) {
    if (EqualsIgnoreCase(args[at], "store") || EqualsIgnoreCase(args[at], "storedist")) {
      destination = ++at;
    } else if (EqualsIgnoreCase(args[at], "count")) {
      ++at;
    }
  }
  if (destination != 0) keys.push_back({destination, KeyFlag::kOverwrite | KeyFlag::kUpdate});
}

void FindRadiusDestination(std::span<const std::string_view> args,
                           std::vector<protocol::KeyAt>& keys) {
  FindDestination(args, kRadiusOptions, keys);
}

void FindByMemberDestination(std::span<const std::string_view> args,
                             std::vector<protocol::KeyAt>& keys) {
  FindDestination(args, kByMemberOptions, keys);
}

constexpr KeySpec kGeoaddKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kGeoaddCondition[] = {{.name = "nx", .type = ArgType::kPureToken, .token = "NX"},
                                        {.name = "xx", .type = ArgType::kPureToken, .token = "XX"}};
constexpr ArgSpec kGeoaddLongitudeLatitudeMember[] = {
    {.name = "longitude", .type = ArgType::kDouble},
    {.name = "latitude", .type = ArgType::kDouble},
    {.name = "member", .type = ArgType::kString}};
constexpr ArgSpec kGeoaddArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "condition",
                                    .type = ArgType::kOneOf,
                                    .is_optional = true,
                                    .since = "6.2.0",
                                    .children = kGeoaddCondition},
                                   {.name = "change",
                                    .type = ArgType::kPureToken,
                                    .token = "CH",
                                    .is_optional = true,
                                    .since = "6.2.0"},
                                   {.name = "longitude_latitude_member",
                                    .type = ArgType::kBlock,
                                    .is_multiple = true,
                                    .children = kGeoaddLongitudeLatitudeMember}};
constexpr HistoryEntry kGeoaddHistory[] = {{"6.2.0", "Knows CH, NX and XX."}};
constexpr KeySpec kGeodistKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kGeodistUnit[] = {{.name = "m", .type = ArgType::kPureToken, .token = "M"},
                                    {.name = "km", .type = ArgType::kPureToken, .token = "KM"},
                                    {.name = "ft", .type = ArgType::kPureToken, .token = "FT"},
                                    {.name = "mi", .type = ArgType::kPureToken, .token = "MI"}};
constexpr ArgSpec kGeodistArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member1", .type = ArgType::kString},
    {.name = "member2", .type = ArgType::kString},
    {.name = "unit", .type = ArgType::kOneOf, .is_optional = true, .children = kGeodistUnit}};
constexpr ArgSpec kGeohashArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member", .type = ArgType::kString, .is_multiple = true}};
constexpr KeySpec kGeoradiusKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess),
                                      {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate,
                                       .begin = KeySpec::Begin::kKeyword,
                                       .index = kRadiusOptions,
                                       .keyword = "STORE"},
                                      {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate,
                                       .begin = KeySpec::Begin::kKeyword,
                                       .index = kRadiusOptions,
                                       .keyword = "STOREDIST"}};
constexpr ArgSpec kGeoradiusCount[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT"},
    {.name = "any",
     .type = ArgType::kPureToken,
     .token = "ANY",
     .is_optional = true,
     .since = "6.2.0"}};
constexpr ArgSpec kGeoradiusOrder[] = {
    {.name = "asc", .type = ArgType::kPureToken, .token = "ASC"},
    {.name = "desc", .type = ArgType::kPureToken, .token = "DESC"}};
constexpr ArgSpec kGeoradiusArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "longitude", .type = ArgType::kDouble},
    {.name = "latitude", .type = ArgType::kDouble},
    {.name = "radius", .type = ArgType::kDouble},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit},
    {.name = "withcoord", .type = ArgType::kPureToken, .token = "WITHCOORD", .is_optional = true},
    {.name = "withdist", .type = ArgType::kPureToken, .token = "WITHDIST", .is_optional = true},
    {.name = "withhash", .type = ArgType::kPureToken, .token = "WITHHASH", .is_optional = true},
    {.name = "count", .type = ArgType::kBlock, .is_optional = true, .children = kGeoradiusCount},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder},
    {.name = "key",
     .type = ArgType::kKey,
     .token = "STORE",
     .key_spec_index = 1,
     .is_optional = true},
    {.name = "key",
     .type = ArgType::kKey,
     .token = "STOREDIST",
     .key_spec_index = 2,
     .is_optional = true}};
constexpr HistoryEntry kGeoradiusHistory[] = {{"6.2.0", "COUNT knows ANY."},
                                              {"7.0.0", "Takes units in any letter case."}};
constexpr ArgSpec kGeoradiusRoArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "longitude", .type = ArgType::kDouble},
    {.name = "latitude", .type = ArgType::kDouble},
    {.name = "radius", .type = ArgType::kDouble},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit},
    {.name = "withcoord", .type = ArgType::kPureToken, .token = "WITHCOORD", .is_optional = true},
    {.name = "withdist", .type = ArgType::kPureToken, .token = "WITHDIST", .is_optional = true},
    {.name = "withhash", .type = ArgType::kPureToken, .token = "WITHHASH", .is_optional = true},
    {.name = "count", .type = ArgType::kBlock, .is_optional = true, .children = kGeoradiusCount},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder}};
constexpr HistoryEntry kGeoradiusRoHistory[] = {{"6.2.0", "COUNT knows ANY."}};
constexpr KeySpec kGeoradiusbymemberKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess),
    {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate,
     .begin = KeySpec::Begin::kKeyword,
     .index = kByMemberOptions,
     .keyword = "STORE"},
    {.flags = KeyFlag::kOverwrite | KeyFlag::kUpdate,
     .begin = KeySpec::Begin::kKeyword,
     .index = kByMemberOptions,
     .keyword = "STOREDIST"}};
constexpr ArgSpec kGeoradiusbymemberCount[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT"},
    {.name = "any", .type = ArgType::kPureToken, .token = "ANY", .is_optional = true}};
constexpr ArgSpec kGeoradiusbymemberArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member", .type = ArgType::kString},
    {.name = "radius", .type = ArgType::kDouble},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit},
    {.name = "withcoord", .type = ArgType::kPureToken, .token = "WITHCOORD", .is_optional = true},
    {.name = "withdist", .type = ArgType::kPureToken, .token = "WITHDIST", .is_optional = true},
    {.name = "withhash", .type = ArgType::kPureToken, .token = "WITHHASH", .is_optional = true},
    {.name = "count",
     .type = ArgType::kBlock,
     .is_optional = true,
     .children = kGeoradiusbymemberCount},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder},
    {.name = "key",
     .type = ArgType::kKey,
     .token = "STORE",
     .key_spec_index = 1,
     .is_optional = true},
    {.name = "key",
     .type = ArgType::kKey,
     .token = "STOREDIST",
     .key_spec_index = 2,
     .is_optional = true}};
constexpr HistoryEntry kGeoradiusbymemberHistory[] = {{"7.0.0", "Takes units in any letter case."}};
constexpr ArgSpec kGeoradiusbymemberRoArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "member", .type = ArgType::kString},
    {.name = "radius", .type = ArgType::kDouble},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit},
    {.name = "withcoord", .type = ArgType::kPureToken, .token = "WITHCOORD", .is_optional = true},
    {.name = "withdist", .type = ArgType::kPureToken, .token = "WITHDIST", .is_optional = true},
    {.name = "withhash", .type = ArgType::kPureToken, .token = "WITHHASH", .is_optional = true},
    {.name = "count",
     .type = ArgType::kBlock,
     .is_optional = true,
     .children = kGeoradiusbymemberCount},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder}};
constexpr ArgSpec kGeosearchFromLongitudeLatitude[] = {
    {.name = "longitude", .type = ArgType::kDouble},
    {.name = "latitude", .type = ArgType::kDouble}};
constexpr ArgSpec kGeosearchFrom[] = {
    {.name = "member", .type = ArgType::kString, .token = "FROMMEMBER"},
    {.name = "longitude_latitude",
     .type = ArgType::kBlock,
     .token = "FROMLONLAT",
     .children = kGeosearchFromLongitudeLatitude}};
constexpr ArgSpec kGeosearchByCircle[] = {
    {.name = "radius", .type = ArgType::kDouble, .token = "BYRADIUS"},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit}};
constexpr ArgSpec kGeosearchByBox[] = {
    {.name = "width", .type = ArgType::kDouble, .token = "BYBOX"},
    {.name = "height", .type = ArgType::kDouble},
    {.name = "unit", .type = ArgType::kOneOf, .children = kGeodistUnit}};
constexpr ArgSpec kGeosearchCorner[] = {{.name = "longitude", .type = ArgType::kDouble},
                                        {.name = "latitude", .type = ArgType::kDouble}};
constexpr ArgSpec kGeosearchByPolygon[] = {
    {.name = "num-vertices", .type = ArgType::kInteger, .token = "BYPOLYGON"},
    {.name = "vertex", .type = ArgType::kBlock, .is_multiple = true, .children = kGeosearchCorner}};
constexpr ArgSpec kGeosearchBy[] = {
    {.name = "circle", .type = ArgType::kBlock, .children = kGeosearchByCircle},
    {.name = "box", .type = ArgType::kBlock, .children = kGeosearchByBox},
    {.name = "polygon",
     .type = ArgType::kBlock,
     .since = "9.0.0",
     .children = kGeosearchByPolygon}};
constexpr ArgSpec kGeosearchArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "from", .type = ArgType::kOneOf, .is_optional = true, .children = kGeosearchFrom},
    {.name = "by", .type = ArgType::kOneOf, .children = kGeosearchBy},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder},
    {.name = "count",
     .type = ArgType::kBlock,
     .is_optional = true,
     .children = kGeoradiusbymemberCount},
    {.name = "withcoord", .type = ArgType::kPureToken, .token = "WITHCOORD", .is_optional = true},
    {.name = "withdist", .type = ArgType::kPureToken, .token = "WITHDIST", .is_optional = true},
    {.name = "withhash", .type = ArgType::kPureToken, .token = "WITHHASH", .is_optional = true}};
constexpr KeySpec kGeosearchstoreKeys[] = {
    KeySpec::Single(1, KeyFlag::kOverwrite | KeyFlag::kUpdate),
    KeySpec::Single(2, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kGeosearchstoreArgs[] = {
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "from", .type = ArgType::kOneOf, .is_optional = true, .children = kGeosearchFrom},
    {.name = "by", .type = ArgType::kOneOf, .children = kGeosearchBy},
    {.name = "order", .type = ArgType::kOneOf, .is_optional = true, .children = kGeoradiusOrder},
    {.name = "count",
     .type = ArgType::kBlock,
     .is_optional = true,
     .children = kGeoradiusbymemberCount},
    {.name = "storedist", .type = ArgType::kPureToken, .token = "STOREDIST", .is_optional = true}};

constexpr Command kRows[] = {
    {.spec = {.name = "geoadd",
              .arity = -5,
              .group = Group::kGeo,
              .since = "3.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kGeoaddKeys,
              .acl = Acl::kWrite | Acl::kGeo | Acl::kSlow,
              .complexity = "O(log(N)) for each member, where N is the number of members",
              .summary =
                  "Adds members with their longitudes and latitudes to a geospatial sorted set.",
              .arguments = kGeoaddArgs,
              .history = kGeoaddHistory},
     .run = GeoAdd},
    {.spec = {.name = "geodist",
              .arity = -4,
              .group = Group::kGeo,
              .since = "3.2.0",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Returns the distance between two members.",
              .arguments = kGeodistArgs},
     .run = GeoDist},
    {.spec = {.name = "geohash",
              .arity = -2,
              .group = Group::kGeo,
              .since = "3.2.0",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N) where N is the number of members asked for",
              .summary = "Returns members' places as geohash strings.",
              .arguments = kGeohashArgs},
     .run = GeoHash},
    {.spec = {.name = "geopos",
              .arity = -2,
              .group = Group::kGeo,
              .since = "3.2.0",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N) where N is the number of members asked for",
              .summary = "Returns members' longitudes and latitudes.",
              .arguments = kGeohashArgs},
     .run = GeoPos},
    {.spec = {.name = "georadius",
              .arity = -6,
              .group = Group::kGeo,
              .since = "3.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
              .keys = kGeoradiusKeys,
              .more_keys = FindRadiusDestination,
              .acl = Acl::kWrite | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N + log(M)) where N is the number of members around the shape and M "
                            "the number of all members",
              .summary = "Returns or stores the members within a distance of a point.",
              .arguments = kGeoradiusArgs,
              .history = kGeoradiusHistory,
              .deprecated_since = "6.2.0",
              .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"},
     .run = GeoRadius},
    {.spec = {.name = "georadius_ro",
              .arity = -6,
              .group = Group::kGeo,
              .since = "3.2.10",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N + log(M)) where N is the number of members around the shape and M "
                            "the number of all members",
              .summary = "Returns the members within a distance of a point.",
              .arguments = kGeoradiusRoArgs,
              .history = kGeoradiusRoHistory,
              .deprecated_since = "6.2.0",
              .replaced_by = "`GEOSEARCH` with the `BYRADIUS` argument"},
     .run = GeoRadiusRo},
    {.spec =
         {.name = "georadiusbymember",
          .arity = -5,
          .group = Group::kGeo,
          .since = "3.2.0",
          .flags = Flag::kWrite | Flag::kDenyOom | Flag::kMovableKeys,
          .keys = kGeoradiusbymemberKeys,
          .more_keys = FindByMemberDestination,
          .acl = Acl::kWrite | Acl::kGeo | Acl::kSlow,
          .complexity = "O(N + log(M)) where N is the number of members around the shape and M the "
                        "number of all members",
          .summary = "Returns or stores the members within a distance of a member.",
          .arguments = kGeoradiusbymemberArgs,
          .history = kGeoradiusbymemberHistory,
          .deprecated_since = "6.2.0",
          .replaced_by =
              "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"},
     .run = GeoRadiusByMember},
    {.spec = {.name = "georadiusbymember_ro",
              .arity = -5,
              .group = Group::kGeo,
              .since = "3.2.10",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N + log(M)) where N is the number of members around the shape and M "
                            "the number of all members",
              .summary = "Returns the members within a distance of a member.",
              .arguments = kGeoradiusbymemberRoArgs,
              .deprecated_since = "6.2.0",
              .replaced_by = "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"},
     .run = GeoRadiusByMemberRo},
    {.spec = {.name = "geosearch",
              .arity = -7,
              .group = Group::kGeo,
              .since = "6.2.0",
              .flags = Flag::kReadonly,
              .keys = kGeodistKeys,
              .acl = Acl::kRead | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N + log(M)) where N is the number of members around the shape and M "
                            "the number of all members",
              .summary = "Returns the members inside a circle or a box.",
              .arguments = kGeosearchArgs,
              .history = kGeoradiusbymemberHistory},
     .run = GeoSearch},
    {.spec = {.name = "geosearchstore",
              .arity = -8,
              .group = Group::kGeo,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kGeosearchstoreKeys,
              .acl = Acl::kWrite | Acl::kGeo | Acl::kSlow,
              .complexity = "O(N + log(M)) where N is the number of members around the shape and M "
                            "the number of all members",
              .summary = "Stores the members inside a circle or a box at another key.",
              .arguments = kGeosearchstoreArgs,
              .history = kGeoradiusbymemberHistory},
     .run = GeoSearchStore},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> GeoCommands() { return kRows; }

}  // namespace peal::broker
