#include "broker/metrics/secrets.h"

#include "broker/config/directive.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

constexpr std::string_view kRedacted = "(redacted)";

/// CONFIG SET name value…: a password of several words makes names and values change places, and
/// behind a mistyped name may stand one, too.
void HideConfigSet(std::span<const std::string_view> args, std::vector<std::string_view>& shown) {
  bool hides = args.size() % 2 != 0;
  for (size_t i = 2; i < args.size(); i += 2) hides = hides || FindDirective(args[i]) == nullptr;
  for (size_t i = 2; i < args.size(); i += 2) {
    const Directive* const directive = FindDirective(args[i]);
    if (directive == nullptr) {
      shown[i] = kRedacted;
    } else if (directive->has(kSensitive)) {
      hides = true;
    }
    if (hides && i + 1 < args.size()) shown[i + 1] = kRedacted;
  }
}

}  // namespace

HelloOptions ReadHello(std::span<const std::string_view> args) {
  HelloOptions options;
  for (options.end = 2; options.end < args.size();) {
    const size_t left = args.size() - options.end - 1;
    if (protocol::EqualsIgnoreCase(args[options.end], "auth") && left >= 2) {
      options.auths.push_back(options.end);
      options.end += 3;
    } else if (protocol::EqualsIgnoreCase(args[options.end], "setname") && left >= 1) {
      options.end += 2;
    } else {
      break;
    }
  }
  return options;
}

std::span<const std::string_view> HideSecrets(const TableEntry& entry,
                                              std::span<const std::string_view> args,
                                              std::vector<std::string_view>& scratch) {
  const bool is_auth = entry.full_name == "auth";
  const bool is_hello = entry.full_name == "hello";
  const bool is_config_set = entry.full_name == "config|set";
  const bool is_user = entry.full_name == "acl|setuser" || entry.full_name == "acl|setrole";
  // ACL DRYRUN user command arg…: of whatever command.
  const bool is_dry_run = entry.full_name == "acl|dryrun";
  if (!is_auth && !is_hello && !is_config_set && !is_user && !is_dry_run) return args;
  scratch.assign(args.begin(), args.end());
  if (is_auth || is_user || is_dry_run) {
    for (size_t i = is_dry_run ? 4 : (is_user ? 2 : 1); i < scratch.size(); ++i) {
      scratch[i] = kRedacted;
    }
  } else if (is_hello) {
    const HelloOptions options = ReadHello(args);
    for (const size_t at : options.auths) scratch[at + 1] = scratch[at + 2] = kRedacted;
    // What is not understood may be a password in the wrong place.
    for (size_t i = options.end; i < scratch.size(); ++i) {
      if (!protocol::EqualsIgnoreCase(args[i], "auth")) scratch[i] = kRedacted;
    }
  } else {
    HideConfigSet(args, scratch);
  }
  return scratch;
}

}  // namespace peal::broker
