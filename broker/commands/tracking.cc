// CLIENT TRACKING, CACHING, TRACKINGINFO, GETREDIR. Source of replies and errors: Redis 7.0.15.
#include "broker/commands/tracking.h"

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "broker/exec/client.h"
#include "broker/exec/command.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/pubsub/tracking.h"
#include "protocol/base/number.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Error;

constexpr Error kTwoRedirects =
    Error::Static("ERR A client can only redirect to a single other client");
constexpr Error kNoSuchRedirect =
    Error::Static("ERR The client ID you want redirect to does not exist");
constexpr Error kPrefixWithoutBroadcast =
    Error::Static("ERR PREFIX option requires BCAST mode to be enabled");
constexpr Error kSwitchesBroadcast = Error::Static(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
    "re-enabling it with a different mode.");
constexpr Error kOptWithBroadcast =
    Error::Static("ERR OPTIN and OPTOUT are not compatible with BCAST");
constexpr Error kOptInAndOut =
    Error::Static("ERR You can't specify both OPTIN mode and OPTOUT mode");
constexpr Error kSwitchesOpt = Error::Static(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
    "re-enabling it with a different mode.");
constexpr Error kCachingWithoutMode = Error::Static(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or "
    "OPTOUT mode enabled");
constexpr Error kCachingYes =
    Error::Static("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.");
constexpr Error kCachingNo =
    Error::Static("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.");

Error Overlap(std::string_view prefix, std::string_view what, std::string_view other) {
  // As Redis, up to a NUL, and on one line.
  const auto shown = [](std::string_view text) {
    return std::string(text.substr(0, text.find('\0')));
  };
  std::string text = "ERR Prefix '" + shown(prefix) + "' overlaps with " + std::string(what) +
                     " '" + shown(other) + "'. Prefixes for a single client must not overlap.";
  std::replace(text.begin(), text.end(), '\r', ' ');
  std::replace(text.begin(), text.end(), '\n', ' ');
  return Error::Owned(text);
}

bool AreNested(std::string_view a, std::string_view b) {
  return a.starts_with(b) || b.starts_with(a);
}

/// The first of `prefixes`, in their order, that begins one behind it or is begun by one; and that
/// one. O(n log n), whatever clients send.
std::optional<std::pair<size_t, size_t>> FindOverlap(
    const std::vector<std::string_view>& prefixes) {
  std::set<std::string_view> behind;
  std::set<std::string_view> shortest;  // of `behind`: those that none of it begins
  size_t found = prefixes.size();
  for (size_t i = prefixes.size(); i-- > 0;) {
    const std::string_view prefix = prefixes[i];
    const auto longer = behind.lower_bound(prefix);
    const auto after = shortest.upper_bound(prefix);
    const bool is_begun = after != shortest.begin() && prefix.starts_with(*std::prev(after));
    if (is_begun || (longer != behind.end() && longer->starts_with(prefix))) found = i;
    behind.insert(prefix);
    if (is_begun) continue;
    auto at = shortest.lower_bound(prefix);
    while (at != shortest.end() && at->starts_with(prefix)) at = shortest.erase(at);
    shortest.insert(prefix);
  }
  for (size_t j = found + 1; j < prefixes.size(); ++j) {
    if (AreNested(prefixes[found], prefixes[j])) return std::pair(found, j);
  }
  return std::nullopt;
}

/// What the client has already and `prefix` overlaps with.
std::optional<std::string_view> FindOwn(const Tracker& tracker, std::string_view prefix) {
  // But for the empty one, which BCAST alone adds to others, none of them begins another.
  const auto& own = tracker.prefixes;
  if (own.empty()) return std::nullopt;
  if (own.begin()->first.empty()) return std::string_view();
  const auto after = own.upper_bound(prefix);
  if (after != own.begin() && prefix.starts_with(std::prev(after)->first)) {
    return std::prev(after)->first;
  }
  if (after != own.end() && after->first.starts_with(prefix)) return after->first;
  return std::nullopt;
}

/// As Redis looks: each prefix first at what the client has, then at those behind it.
std::optional<Error> CheckPrefixes(const Tracker* tracker,
                                   const std::vector<std::string_view>& prefixes) {
  const auto overlap = FindOverlap(prefixes);
  if (tracker != nullptr) {
    const size_t end = overlap ? overlap->first + 1 : prefixes.size();
    for (size_t i = 0; i < end; ++i) {
      const auto own = FindOwn(*tracker, prefixes[i]);
      if (own) return Overlap(prefixes[i], "an existing prefix", *own);
    }
  }
  if (!overlap) return std::nullopt;
  return Overlap(prefixes[overlap->first], "another provided prefix", prefixes[overlap->second]);
}

/// Makes the client `id` ready to get another's invalidations; false if there is none. With all
/// reactors parked.
bool PrepareRedirect(Server& server, ClientId id) {
  const auto reactor = static_cast<size_t>(ReactorOf(id));
  if (reactor >= server.workers().size()) return false;
  Worker& worker = *server.workers()[reactor];
  Client* const target = worker.FindClient(id);
  if (target == nullptr || target->is_closing() || target->session().is_doomed) return false;
  target->session().tracker = &worker.tracking_port().Ensure(*target);
  return true;
}

std::optional<Error> ParseOptions(CommandContext& context, TrackingOptions& options,
                                  std::vector<std::string_view>& prefixes) {
  const auto args = context.args;
  for (size_t i = 3; i < args.size(); ++i) {
    const bool has_value = i + 1 < args.size();
    if (EqualsIgnoreCase(args[i], "redirect") && has_value) {
      if (options.redirect != 0) return kTwoRedirects;
      const auto id = protocol::ParseInt64(args[++i]);
      if (!id) return protocol::errors::kNotInteger;
      if (*id <= 0 || !PrepareRedirect(context.server, static_cast<ClientId>(*id))) {
        return kNoSuchRedirect;
      }
      options.redirect = static_cast<ClientId>(*id);
    } else if (EqualsIgnoreCase(args[i], "bcast")) {
      options.is_broadcast = true;
    } else if (EqualsIgnoreCase(args[i], "optin")) {
      options.is_opt_in = true;
    } else if (EqualsIgnoreCase(args[i], "optout")) {
      options.is_opt_out = true;
    } else if (EqualsIgnoreCase(args[i], "noloop")) {
      options.no_loop = true;
    } else if (EqualsIgnoreCase(args[i], "prefix") && has_value) {
      prefixes.push_back(args[++i]);
    } else {
      return protocol::errors::kSyntax;
    }
  }
  return std::nullopt;
}

std::optional<Error> CheckOptions(const Tracker* tracker, const TrackingOptions& options,
                                  const std::vector<std::string_view>& prefixes) {
  if (!options.is_broadcast && !prefixes.empty()) return kPrefixWithoutBroadcast;
  const bool is_on = tracker != nullptr && tracker->is_on;
  if (is_on && tracker->options.is_broadcast != options.is_broadcast) return kSwitchesBroadcast;
  if (options.is_broadcast && (options.is_opt_in || options.is_opt_out)) return kOptWithBroadcast;
  if (options.is_opt_in && options.is_opt_out) return kOptInAndOut;
  if (is_on && ((options.is_opt_in && tracker->options.is_opt_out) ||
                (options.is_opt_out && tracker->options.is_opt_in))) {
    return kSwitchesOpt;
  }
  // Differs: Redis goes on after an overlap that is not with the first prefix, and replies twice.
  if (options.is_broadcast) return CheckPrefixes(tracker, prefixes);
  return std::nullopt;
}

}  // namespace

bool RedirectsTracking(std::span<const std::string_view> args) {
  for (size_t i = 3; i < args.size(); ++i) {
    if (EqualsIgnoreCase(args[i], "redirect")) return true;
  }
  return false;
}

void ClientTracking(CommandContext& context) {
  Session& session = context.client.session();
  TrackingPort& port = context.worker.tracking_port();
  TrackingOptions options;
  std::vector<std::string_view> prefixes;
  if (const auto error = ParseOptions(context, options, prefixes)) return context.Fail(*error);
  if (EqualsIgnoreCase(context.args[2], "on")) {
    if (const auto error = CheckOptions(session.tracker, options, prefixes)) {
      return context.Fail(*error);
    }
    session.tracker = &port.Ensure(context.client);
    port.Enable(*session.tracker, options, prefixes);
  } else if (EqualsIgnoreCase(context.args[2], "off")) {
    if (session.tracker != nullptr) port.Disable(*session.tracker);
  } else {
    return context.Fail(protocol::errors::kSyntax);
  }
  context.reply.Ok();
}

void ClientCaching(CommandContext& context) {
  Tracker* const tracker = context.client.session().tracker;
  if (tracker == nullptr || !tracker->is_on) return context.Fail(kCachingWithoutMode);
  if (EqualsIgnoreCase(context.args[2], "yes")) {
    if (!tracker->options.is_opt_in) return context.Fail(kCachingYes);
  } else if (EqualsIgnoreCase(context.args[2], "no")) {
    if (!tracker->options.is_opt_out) return context.Fail(kCachingNo);
  } else {
    return context.Fail(protocol::errors::kSyntax);
  }
  tracker->is_caching_told = true;
  context.reply.Ok();
}

int64_t RedirectOf(const Tracker* tracker) {
  if (tracker == nullptr || !tracker->is_on) return -1;
  return static_cast<int64_t>(tracker->options.redirect);
}

void ClientGetRedir(CommandContext& context) {
  context.reply.Integer(RedirectOf(context.client.session().tracker));
}

void ClientTrackingInfo(CommandContext& context) {
  const Tracker* tracker = context.client.session().tracker;
  if (tracker != nullptr && !tracker->is_on) tracker = nullptr;
  std::vector<std::string_view> flags = {tracker != nullptr ? "on" : "off"};
  if (tracker != nullptr) {
    const TrackingOptions& options = tracker->options;
    if (options.is_broadcast) flags.emplace_back("bcast");
    if (options.is_opt_in) flags.emplace_back("optin");
    if (options.is_opt_in && tracker->is_caching_told) flags.emplace_back("caching-yes");
    if (options.is_opt_out) flags.emplace_back("optout");
    if (options.is_opt_out && tracker->is_caching_told) flags.emplace_back("caching-no");
    if (options.no_loop) flags.emplace_back("noloop");
    if (tracker->is_redirect_broken) flags.emplace_back("broken_redirect");
  }
  context.reply.Map(3);
  context.reply.Bulk("flags");
  context.reply.Set(flags.size());
  for (const std::string_view flag : flags) context.reply.Bulk(flag);
  context.reply.Bulk("redirect");
  context.reply.Integer(RedirectOf(tracker));
  context.reply.Bulk("prefixes");
  context.reply.Array(tracker != nullptr ? tracker->prefixes.size() : 0);
  if (tracker == nullptr) return;
  for (const auto& [name, prefix] : tracker->prefixes) context.reply.Bulk(name);
}

}  // namespace peal::broker
