#include "protocol/command/names.h"

namespace peal::protocol {
namespace {

constexpr std::string_view kGroupNames[] = {
    "generic", "string",       "list",       "set",    "sorted-set", "hash",
    "pubsub",  "transactions", "connection", "server", "scripting",  "hyperloglog",
    "cluster", "sentinel",     "geo",        "stream", "bitmap"};

constexpr std::string_view kArgTypeNames[] = {
    "string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block"};

constexpr std::pair<Flag, std::string_view> kFlagNames[] = {
    {Flag::kWrite, "write"},
    {Flag::kReadonly, "readonly"},
    {Flag::kDenyOom, "denyoom"},
    {Flag::kAdmin, "admin"},
    {Flag::kPubSub, "pubsub"},
    {Flag::kNoScript, "noscript"},
    {Flag::kBlocking, "blocking"},
    {Flag::kLoading, "loading"},
    {Flag::kStale, "stale"},
    {Flag::kSkipMonitor, "skip_monitor"},
    {Flag::kSkipSlowlog, "skip_slowlog"},
    {Flag::kAsking, "asking"},
    {Flag::kFast, "fast"},
    {Flag::kNoAuth, "no_auth"},
    {Flag::kNoMandatoryKeys, "no_mandatory_keys"},
    {Flag::kNoAsyncLoading, "no_async_loading"},
    {Flag::kNoMulti, "no_multi"},
    {Flag::kMovableKeys, "movablekeys"},
    {Flag::kAllowBusy, "allow_busy"},
};

constexpr std::pair<Acl, std::string_view> kCategoryNames[] = {
    {Acl::kKeyspace, "keyspace"},
    {Acl::kRead, "read"},
    {Acl::kWrite, "write"},
    {Acl::kSet, "set"},
    {Acl::kSortedSet, "sortedset"},
    {Acl::kList, "list"},
    {Acl::kHash, "hash"},
    {Acl::kString, "string"},
    {Acl::kBitmap, "bitmap"},
    {Acl::kHyperLogLog, "hyperloglog"},
    {Acl::kGeo, "geo"},
    {Acl::kStream, "stream"},
    {Acl::kPubSub, "pubsub"},
    {Acl::kAdmin, "admin"},
    {Acl::kFast, "fast"},
    {Acl::kSlow, "slow"},
    {Acl::kBlocking, "blocking"},
    {Acl::kDangerous, "dangerous"},
    {Acl::kConnection, "connection"},
    {Acl::kTransaction, "transaction"},
    {Acl::kScripting, "scripting"},
};

constexpr std::pair<KeyFlag, std::string_view> kKeyFlagNames[] = {
    {KeyFlag::kReadOnly, "RO"},
    {KeyFlag::kReadWrite, "RW"},
    {KeyFlag::kOverwrite, "OW"},
    {KeyFlag::kRemove, "RM"},
    {KeyFlag::kAccess, "access"},
    {KeyFlag::kUpdate, "update"},
    {KeyFlag::kInsert, "insert"},
    {KeyFlag::kDelete, "delete"},
    {KeyFlag::kNotKey, "not_key"},
    {KeyFlag::kIncomplete, "incomplete"},
    {KeyFlag::kVariable, "variable_flags"},
};

}  // namespace

std::string_view GroupName(Group group) { return kGroupNames[static_cast<size_t>(group)]; }
std::string_view ArgTypeName(ArgType type) { return kArgTypeNames[static_cast<size_t>(type)]; }
std::span<const std::pair<Flag, std::string_view>> FlagNames() { return kFlagNames; }
std::span<const std::pair<Acl, std::string_view>> CategoryNames() { return kCategoryNames; }
std::span<const std::pair<KeyFlag, std::string_view>> KeyFlagNames() { return kKeyFlagNames; }

}  // namespace peal::protocol
