// The rows of the list commands; their functions are in list.cc and list_blocking.cc.
#include <span>

#include "broker/commands/list.h"

namespace peal::broker {
namespace {

using protocol::Acl;
using protocol::ArgSpec;
using protocol::ArgType;
using protocol::Flag;
using protocol::Group;
using protocol::HistoryEntry;
using protocol::KeyFlag;
using protocol::KeySpec;

constexpr KeySpec kBlmoveKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete),
    KeySpec::Single(2, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kBlmoveWherefrom[] = {
    {.name = "left", .type = ArgType::kPureToken, .token = "LEFT"},
    {.name = "right", .type = ArgType::kPureToken, .token = "RIGHT"}};
constexpr ArgSpec kBlmoveArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "wherefrom", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "whereto", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "timeout", .type = ArgType::kDouble}};
constexpr KeySpec kBlmpopKeys[] = {
    KeySpec::KeyNum(2, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kBlmpopArgs[] = {
    {.name = "timeout", .type = ArgType::kDouble},
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr KeySpec kBlpopKeys[] = {
    KeySpec::Range(1, -2, 1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kBlpopArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "timeout", .type = ArgType::kDouble}};
constexpr HistoryEntry kBlpopHistory[] = {{"6.0.0", "Takes fractions of a second as `timeout`."}};
constexpr ArgSpec kBrpoplpushArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "timeout", .type = ArgType::kDouble}};
constexpr KeySpec kLindexKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly | KeyFlag::kAccess)};
constexpr ArgSpec kLindexArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "index", .type = ArgType::kInteger}};
constexpr KeySpec kLinsertKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kInsert)};
constexpr ArgSpec kLinsertWhere[] = {
    {.name = "before", .type = ArgType::kPureToken, .token = "BEFORE"},
    {.name = "after", .type = ArgType::kPureToken, .token = "AFTER"}};
constexpr ArgSpec kLinsertArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "where", .type = ArgType::kOneOf, .children = kLinsertWhere},
    {.name = "pivot", .type = ArgType::kString},
    {.name = "element", .type = ArgType::kString}};
constexpr KeySpec kLlenKeys[] = {KeySpec::Single(1, KeyFlag::kReadOnly)};
constexpr ArgSpec kLlenArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0}};
constexpr ArgSpec kLmoveArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "wherefrom", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "whereto", .type = ArgType::kOneOf, .children = kBlmoveWherefrom}};
constexpr KeySpec kLmpopKeys[] = {
    KeySpec::KeyNum(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kLmpopArgs[] = {
    {.name = "numkeys", .type = ArgType::kInteger},
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0, .is_multiple = true},
    {.name = "where", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true}};
constexpr KeySpec kLpopKeys[] = {
    KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kAccess | KeyFlag::kDelete)};
constexpr ArgSpec kLpopArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "count", .type = ArgType::kInteger, .is_optional = true, .since = "6.2.0"}};
constexpr HistoryEntry kLpopHistory[] = {{"6.2.0", "Knows `count`."}};
constexpr ArgSpec kLposArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "element", .type = ArgType::kString},
    {.name = "rank", .type = ArgType::kInteger, .token = "RANK", .is_optional = true},
    {.name = "num-matches", .type = ArgType::kInteger, .token = "COUNT", .is_optional = true},
    {.name = "len", .type = ArgType::kInteger, .token = "MAXLEN", .is_optional = true}};
constexpr ArgSpec kLpushArgs[] = {
    {.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "element", .type = ArgType::kString, .is_multiple = true}};
constexpr HistoryEntry kLpushHistory[] = {{"2.4.0", "Takes several elements."}};
constexpr HistoryEntry kLpushxHistory[] = {{"4.0.0", "Takes several elements."}};
constexpr ArgSpec kLrangeArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                   {.name = "start", .type = ArgType::kInteger},
                                   {.name = "stop", .type = ArgType::kInteger}};
constexpr KeySpec kLremKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kDelete)};
constexpr ArgSpec kLremArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "count", .type = ArgType::kInteger},
                                 {.name = "element", .type = ArgType::kString}};
constexpr KeySpec kLsetKeys[] = {KeySpec::Single(1, KeyFlag::kReadWrite | KeyFlag::kUpdate)};
constexpr ArgSpec kLsetArgs[] = {{.name = "key", .type = ArgType::kKey, .key_spec_index = 0},
                                 {.name = "index", .type = ArgType::kInteger},
                                 {.name = "element", .type = ArgType::kString}};
constexpr ArgSpec kRpoplpushArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1}};
constexpr ArgSpec kMovemSelector[] = {
    {.name = "count", .type = ArgType::kInteger, .token = "COUNT"},
    {.name = "exactly", .type = ArgType::kInteger, .token = "EXACTLY"}};
constexpr ArgSpec kMovemOrdering[] = {
    {.name = "obo", .type = ArgType::kPureToken, .token = "OBO"},
    {.name = "bulk", .type = ArgType::kPureToken, .token = "BULK"}};
constexpr ArgSpec kMovemHowMany[] = {
    {.name = "selector", .type = ArgType::kOneOf, .children = kMovemSelector},
    {.name = "ordering", .type = ArgType::kOneOf, .children = kMovemOrdering}};
constexpr ArgSpec kLmovemArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "wherefrom", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "whereto", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "how-many", .type = ArgType::kBlock, .is_optional = true, .children = kMovemHowMany}};
constexpr ArgSpec kBlmovemArgs[] = {
    {.name = "source", .type = ArgType::kKey, .key_spec_index = 0},
    {.name = "destination", .type = ArgType::kKey, .key_spec_index = 1},
    {.name = "wherefrom", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "whereto", .type = ArgType::kOneOf, .children = kBlmoveWherefrom},
    {.name = "timeout", .type = ArgType::kDouble},
    {.name = "how-many", .type = ArgType::kBlock, .is_optional = true, .children = kMovemHowMany}};

constexpr Command kRows[] = {
    {.spec = {.name = "blmove",
              .arity = 6,
              .group = Group::kList,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kNoScript | Flag::kBlocking,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(1)",
              .summary = "Moves an element from one list to another, waiting until there is one.",
              .arguments = kBlmoveArgs},
     .run = list::BLMove},
    {.spec = {.name = "blmovem",
              .arity = -6,
              .group = Group::kList,
              .since = "8.10.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kBlocking,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(N) where N is the number of elements moved",
              .summary = "Moves elements from one list to another, waiting until there are enough.",
              .arguments = kBlmovemArgs},
     .run = list::BLMoveM},
    {.spec = {.name = "blmpop",
              .arity = -5,
              .group = Group::kList,
              .since = "7.0.0",
              .flags = Flag::kWrite | Flag::kMovableKeys | Flag::kBlocking,
              .keys = kBlmpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity =
                  "O(N+M) where N is the number of keys and M the number of elements popped",
              .summary = "Pops elements off the first list that has any, waiting until one has.",
              .arguments = kBlmpopArgs},
     .run = list::BLMPop},
    {.spec = {.name = "blpop",
              .arity = -3,
              .group = Group::kList,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kNoScript | Flag::kBlocking,
              .keys = kBlpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(N) where N is the number of keys",
              .summary =
                  "Pops the first element of the first list that has any, waiting until one has.",
              .arguments = kBlpopArgs,
              .history = kBlpopHistory},
     .run = list::BLPop},
    {.spec = {.name = "brpop",
              .arity = -3,
              .group = Group::kList,
              .since = "2.0.0",
              .flags = Flag::kWrite | Flag::kNoScript | Flag::kBlocking,
              .keys = kBlpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(N) where N is the number of keys",
              .summary =
                  "Pops the last element of the first list that has any, waiting until one has.",
              .arguments = kBlpopArgs,
              .history = kBlpopHistory},
     .run = list::BRPop},
    {.spec = {.name = "brpoplpush",
              .arity = 4,
              .group = Group::kList,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kNoScript | Flag::kBlocking,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow | Acl::kBlocking,
              .complexity = "O(1)",
              .summary = "Moves the last element of a list to the head of another, waiting until "
                         "there is one.",
              .arguments = kBrpoplpushArgs,
              .history = kBlpopHistory,
              .deprecated_since = "6.2.0",
              .replaced_by = "`BLMOVE` with the `RIGHT` and `LEFT` arguments"},
     .run = list::BRPopLPush},
    {.spec = {.name = "lindex",
              .arity = 3,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kReadonly,
              .keys = kLindexKeys,
              .acl = Acl::kRead | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the distance from the nearer end; O(1) for either end",
              .summary = "Returns the element at an index.",
              .arguments = kLindexArgs},
     .run = list::LIndex},
    {.spec = {.name = "linsert",
              .arity = 5,
              .group = Group::kList,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kLinsertKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the number of elements in front of the pivot",
              .summary = "Inserts an element beside the first one that equals a pivot.",
              .arguments = kLinsertArgs},
     .run = list::LInsert},
    {.spec = {.name = "llen",
              .arity = 2,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kReadonly | Flag::kFast,
              .keys = kLlenKeys,
              .acl = Acl::kRead | Acl::kList | Acl::kFast,
              .complexity = "O(1)",
              .summary = "Returns the number of elements of a list.",
              .arguments = kLlenArgs},
     .run = list::LLen},
    {.spec = {.name = "lmove",
              .arity = 5,
              .group = Group::kList,
              .since = "6.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Moves an element from one list to another and returns it.",
              .arguments = kLmoveArgs},
     .run = list::LMove},
    {.spec = {.name = "lmovem",
              .arity = -5,
              .group = Group::kList,
              .since = "8.10.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the number of elements moved",
              .summary = "Moves elements from one list to another and returns them.",
              .arguments = kLmovemArgs},
     .run = list::LMoveM},
    {.spec = {.name = "lmpop",
              .arity = -4,
              .group = Group::kList,
              .since = "7.0.0",
              .flags = Flag::kWrite | Flag::kMovableKeys,
              .keys = kLmpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity =
                  "O(N+M) where N is the number of keys and M the number of elements popped",
              .summary = "Pops elements off the first list that has any.",
              .arguments = kLmpopArgs},
     .run = list::LMPop},
    {.spec = {.name = "lpop",
              .arity = -2,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kLpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements popped",
              .summary = "Pops the first elements of a list.",
              .arguments = kLpopArgs,
              .history = kLpopHistory},
     .run = list::LPop},
    {.spec = {.name = "lpos",
              .arity = -3,
              .group = Group::kList,
              .since = "6.0.6",
              .flags = Flag::kReadonly,
              .keys = kLindexKeys,
              .acl = Acl::kRead | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the number of elements looked at",
              .summary = "Returns where elements equal to a given one stand.",
              .arguments = kLposArgs},
     .run = list::LPos},
    {.spec = {.name = "lpush",
              .arity = -3,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kLinsertKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements pushed",
              .summary = "Pushes elements in front of a list, creating it if need be.",
              .arguments = kLpushArgs,
              .history = kLpushHistory},
     .run = list::LPush},
    {.spec = {.name = "lpushx",
              .arity = -3,
              .group = Group::kList,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kLinsertKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements pushed",
              .summary = "Pushes elements in front of a list that exists.",
              .arguments = kLpushArgs,
              .history = kLpushxHistory},
     .run = list::LPushX},
    {.spec =
         {
             .name = "lrange",
             .arity = 4,
             .group = Group::kList,
             .since = "1.0.0",
             .flags = Flag::kReadonly,
             .keys = kLindexKeys,
             .acl = Acl::kRead | Acl::kList | Acl::kSlow,
             .complexity =
                 "O(S+N) where S is the distance of the range from the nearer end and N its length",
             .summary = "Returns a range of elements.",
             .arguments = kLrangeArgs},
     .run = list::LRange},
    {.spec = {.name = "lrem",
              .arity = 4,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite,
              .keys = kLremKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the number of elements of the list",
              .summary = "Removes elements that equal a given one.",
              .arguments = kLremArgs},
     .run = list::LRem},
    {.spec = {.name = "lset",
              .arity = 4,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kLsetKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the distance from the nearer end; O(1) for either end",
              .summary = "Replaces the element at an index.",
              .arguments = kLsetArgs},
     .run = list::LSet},
    {.spec = {.name = "ltrim",
              .arity = 4,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite,
              .keys = kLremKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(N) where N is the number of elements removed",
              .summary = "Removes what lies outside of a range.",
              .arguments = kLrangeArgs},
     .run = list::LTrim},
    {.spec = {.name = "rpop",
              .arity = -2,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kFast,
              .keys = kLpopKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements popped",
              .summary = "Pops the last elements of a list.",
              .arguments = kLpopArgs,
              .history = kLpopHistory},
     .run = list::RPop},
    {.spec = {.name = "rpoplpush",
              .arity = 3,
              .group = Group::kList,
              .since = "1.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom,
              .keys = kBlmoveKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kSlow,
              .complexity = "O(1)",
              .summary = "Moves the last element of a list to the head of another and returns it.",
              .arguments = kRpoplpushArgs,
              .deprecated_since = "6.2.0",
              .replaced_by = "`LMOVE` with the `RIGHT` and `LEFT` arguments"},
     .run = list::RPopLPush},
    {.spec = {.name = "rpush",
              .arity = -3,
              .group = Group::kList,
              .since = "1.0.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kLinsertKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements pushed",
              .summary = "Pushes elements behind a list, creating it if need be.",
              .arguments = kLpushArgs,
              .history = kLpushHistory},
     .run = list::RPush},
    {.spec = {.name = "rpushx",
              .arity = -3,
              .group = Group::kList,
              .since = "2.2.0",
              .flags = Flag::kWrite | Flag::kDenyOom | Flag::kFast,
              .keys = kLinsertKeys,
              .acl = Acl::kWrite | Acl::kList | Acl::kFast,
              .complexity = "O(N) where N is the number of elements pushed",
              .summary = "Pushes elements behind a list that exists.",
              .arguments = kLpushArgs,
              .history = kLpushxHistory},
     .run = list::RPushX},
};

consteval bool AllAreSound() {
  for (const Command& command : kRows) {
    if (!protocol::IsSound(command.spec)) return false;
  }
  return true;
}
static_assert(AllAreSound());

}  // namespace

std::span<const Command> ListCommands() { return kRows; }

}  // namespace peal::broker
