#include "tests/support/side_by_side.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <set>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/support/keyspace_state.h"

namespace peal::tests {
namespace {

constexpr int kMostDifferences = 40;
constexpr int kMostOfOneCommand = 3;
constexpr int kCommandsBetweenLooks = 500;
constexpr int kDatabases = 16;
constexpr std::string_view kCorrupted = "-INVALIDOBJ Corrupted HLL object detected\r\n";

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return tolower(c); });
  return text;
}

std::string Name(const CommandLine& command) { return Lower(command[0]); }

std::string Word(const CommandLine& command, size_t index) {
  return index < command.size() ? Lower(command[index]) : std::string();
}

bool Contains(const CommandLine& command, const std::string& word, size_t from = 1) {
  for (size_t i = from; i < command.size(); ++i) {
    if (Word(command, i) == word) return true;
  }
  return false;
}

bool HasNul(const CommandLine& command) {
  return std::any_of(command.begin(), command.end(),
                     [](const std::string& word) { return word.find('\0') != word.npos; });
}

bool IsError(const std::string& raw) { return raw[0] == '-'; }

Reply Parse(const std::string& raw) {
  Reply reply;
  ParseReply(raw, &reply);
  return reply;
}

std::string Shown(const CommandLine& command) {
  std::string out;
  for (const std::string& word : command) {
    if (out.size() > 600) return out + "... (" + std::to_string(command.size()) + " words)";
    out += "'" + Escaped(word.substr(0, 80)) + "' ";
  }
  return out;
}

/// The octets of each item of an array, set or map; two for each pair of a map.
std::vector<std::string> RawItems(const std::string& raw) {
  std::vector<std::string> items;
  size_t at = raw.find("\r\n") + 2;
  while (at < raw.size()) {
    const size_t taken = ParseReply(std::string_view(raw).substr(at), nullptr);
    items.push_back(raw.substr(at, taken));
    at += taken;
  }
  return items;
}

std::string Head(const std::string& raw) { return raw.substr(0, raw.find("\r\n")); }

/// The same items, `width` of them belonging together, in any order.
bool IsSameWithoutOrder(const std::string& theirs, const std::string& ours, size_t width) {
  if (Head(theirs) != Head(ours)) return false;
  std::vector<std::string> sides[2] = {RawItems(theirs), RawItems(ours)};
  for (std::vector<std::string>& side : sides) {
    std::vector<std::string> joined;
    for (size_t i = 0; i < side.size(); ++i) {
      if (i % width == 0) {
        joined.push_back(side[i]);
      } else {
        joined.back() += side[i];
      }
    }
    std::sort(joined.begin(), joined.end());
    side = std::move(joined);
  }
  return sides[0] == sides[1];
}

bool IsSameWithTolerance(const std::string& theirs, const std::string& ours) {
  constexpr int64_t kToleranceMs = 5000;
  if (theirs == ours) return true;
  if (theirs[0] != ':' || ours[0] != ':') return false;
  const int64_t a = Parse(theirs).integer;
  const int64_t b = Parse(ours).integer;
  return a > 0 && b > 0 && std::abs(a - b) <= kToleranceMs;
}

void AddLeaves(const Reply& reply, std::multiset<std::string>& leaves) {
  if (reply.items.empty()) leaves.insert(reply.text);
  for (const Reply& item : reply.items) AddLeaves(item, leaves);
}

/// Replies that show ids, versions, times, memory, if they are no errors. DBSIZE counts keys that
/// have expired but nobody has looked at since.
bool ShowsWhatDiffers(const CommandLine& command) {
  static const std::set<std::string> kNames = {
      "hello",       "dbsize",       "slowlog get",     "client id",      "client list",
      "client info", "memory usage", "object refcount", "object idletime"};
  const std::string name = Name(command);
  if (kNames.contains(name)) return true;
  if (name == "command") return command.size() == 1 || Word(command, 1) != "getkeys";
  return command.size() > 1 && kNames.contains(name + " " + Word(command, 1));
}

bool IsRandomChoice(const std::string& name) {
  return name == "srandmember" || name == "hrandfield" || name == "zrandmember" ||
         name == "randomkey";
}

bool IsSort(const std::string& name) { return name == "sort" || name == "sort_ro"; }

bool IsScan(const std::string& name) {
  return name == "scan" || name == "sscan" || name == "hscan" || name == "zscan";
}

/// Where the options of a search for places begin; what names a place stands before.
constexpr size_t kGeoOptions = 5;

/// A search for places that takes the nearest or farthest so many.
bool IsGeoSearchWithCount(const CommandLine& command) {
  return Name(command).starts_with("geo") && Contains(command, "count", kGeoOptions) &&
         !Contains(command, "any", kGeoOptions);
}

bool StoresPlaces(const CommandLine& command) {
  return Name(command) == "geosearchstore" || Contains(command, "store", kGeoOptions) ||
         Contains(command, "storedist", kGeoOptions);
}

/// The same search for all places, with their distances, and without a change.
CommandLine SearchOfAll(const CommandLine& command) {
  const std::string name = Name(command);
  const bool is_radius = name.starts_with("georadius");
  CommandLine all{is_radius ? (name.ends_with("_ro") ? name : name + "_ro") : "geosearch"};
  size_t i = name == "geosearchstore" ? 2 : 1;
  for (; i < command.size(); ++i) {
    const std::string word = i < kGeoOptions ? "" : Word(command, i);
    if (word == "count" || word == "store" || (word == "storedist" && is_radius)) {
      ++i;
    } else if (word != "storedist" && !word.starts_with("with")) {
      all.push_back(command[i]);
    }
  }
  all.emplace_back("WITHDIST");
  return all;
}

/// The member of each item of a reply to a search for places.
std::vector<std::string> PlacesOf(const Reply& reply) {
  std::vector<std::string> places;
  for (const Reply& item : reply.items) {
    places.push_back(item.items.empty() ? item.text : item.items[0].text);
  }
  return places;
}

bool IsSubscribing(const std::string& name) { return name.ends_with("subscribe"); }

bool IsSameButForDigits(const Reply& theirs, const Reply& ours, bool has_zero_signs) {
  if (theirs.kind != ours.kind || theirs.integer != ours.integer ||
      theirs.items.size() != ours.items.size()) {
    return false;
  }
  for (size_t i = 0; i < theirs.items.size(); ++i) {
    if (!IsSameButForDigits(theirs.items[i], ours.items[i], has_zero_signs)) return false;
  }
  return theirs.text == ours.text ||
         (!theirs.IsError() && CanonicalNumber(theirs.text, has_zero_signs) ==
                                   CanonicalNumber(ours.text, has_zero_signs));
}

/// A window of `text` that begins a little before `parting`, printable.
std::string ShownFrom(const std::string& text, size_t parting) {
  constexpr size_t kBefore = 150;
  constexpr size_t kShown = 400;
  const size_t from = parting < kBefore ? 0 : parting - kBefore;
  if (from >= text.size()) return "(ends before)";
  return (from == 0 ? "" : "(from " + std::to_string(from) + ") ") +
         Escaped(text.substr(from, kShown));
}

/// What 7.2 or a later release answers otherwise than the 7.0 that stands beside.
bool IsOfAnotherRelease(const CommandLine& command, const std::string& theirs,
                        const std::string& ours, bool has_zero_signs) {
  const std::string name = Name(command);
  // Since 7.2 the arguments are looked at though there is no such key.
  if (name == "bitcount" || name == "bitpos") return !IsError(theirs) && IsError(ours);
  // 7.0 takes what is beyond its range for a negative one.
  if (name[0] == 'b' && theirs == "-ERR timeout is negative\r\n") {
    return ours == "-ERR timeout is out of range\r\n";
  }
  // Since 7.2 LPOS refuses the one rank that has no opposite.
  if (name == "lpos") {
    return ours.starts_with("-ERR value is out of range, value must between -9223372036854775807");
  }
  // Since 7.2 the text names the command.
  if (name == "xread" || name == "xreadgroup") {
    return theirs.starts_with("-ERR Unbalanced ") && ours.starts_with("-ERR Unbalanced ");
  }
  // Since 7.2 reading and claiming make a consumer even if it gets nothing.
  if (name == "xgroup") return Word(command, 1) == "createconsumer" && theirs[0] == ours[0];
  // Since 7.2 scores have the fewest digits that tell them from their neighbours.
  if (name[0] == 'z' || name.starts_with("bz") || name.starts_with("geo")) {
    return IsSameButForDigits(Parse(theirs), Parse(ours), has_zero_signs);
  }
  return false;
}

}  // namespace

Server& Reference() {
  static Server* const server = [] {
    class End : public ::testing::Environment {
     public:
      explicit End(Server* started) : server_(started) {}
      void TearDown() override { delete server_; }

     private:
      Server* server_;
    };
    auto* started = new Server(RedisReference());
    ::testing::AddGlobalTestEnvironment(new End(started));
    return started;
  }();
  return *server;
}

int ScriptLength(int otherwise) {
  const char* chosen = std::getenv("PEAL_DIFFERENTIAL_COMMANDS");
  return chosen != nullptr ? std::atoi(chosen) : otherwise;
}

SideBySide::SideBySide(Server& theirs, Server& ours, int resp, uint64_t seed)
    : theirs_{{}, theirs.Connect()},
      ours_{{}, ours.Connect()},
      resp_(resp),
      seed_(seed),
      across_releases_(!ours.IsReference()) {
  for (int i = 0; i < kConnections; ++i) {
    theirs_.clients.push_back(theirs.Connect());
    ours_.clients.push_back(ours.Connect());
  }
  for (Side* side : {&theirs_, &ours_}) side->observer.Do("CONFIG RESETSTAT");
  StartAnew();
}

void SideBySide::StartAnew() {
  for (Side* side : {&theirs_, &ours_}) {
    for (Client& client : side->clients) {
      client.Do("RESET");
      client.Hello(resp_);
    }
    side->observer.Do("FLUSHALL");
  }
  connections_.assign(kConnections, {});
  history_.clear();
  has_sorted_ = false;
  Furnish();
}

void SideBySide::Furnish() {
  for (Side* side : {&theirs_, &ours_}) side->observer.Do("SET lexstr text");
  for (int i = 1; i <= 2; ++i) {
    const std::string number = std::to_string(i);
    const CommandLine commands[] = {
        {"SET", "str" + number, "10"},
        {"SET", "hll" + number, "no HyperLogLog"},
        {"SETBIT", "bits" + number, "7", "1"},
        {"RPUSH", "list" + number, "a", "b", "c"},
        {"SADD", "set" + number, "1", "2", "m1"},
        {"HSET", "hash" + number, "m1", "1", "m3", "text"},
        {"ZADD", "zset" + number, "1", "m1", "2.5", "m3"},
        {"GEOADD", "geo" + number, "13.361389", "38.115556", "place1"},
        {"XADD", "stream" + number, "1-1", "field1", "value"},
    };
    for (const CommandLine& command : commands) {
      theirs_.observer.Call(command);
      if (ours_.observer.Call(command).IsError()) theirs_.observer.Call({"DEL", command[1]});
    }
  }
}

void SideBySide::Run(CommandLine (*make)(Vocabulary& words), int commands) {
  Vocabulary words(seed_);
  for (step_ = 0; step_ < commands && differences_ < kMostDifferences; ++step_) {
    const CommandLine command = make(words);
    const auto who = static_cast<size_t>(words.Number(kConnections));
    try {
      Step(who, command);
    } catch (const std::exception& error) {
      // A reply that does not come, or a server that is gone: nothing can follow.
      Report(command, {"", error.what()});
      throw;
    }
    if (step_ % kCommandsBetweenLooks == kCommandsBetweenLooks - 1) CompareContents();
  }
  CompareContents();
  if (!across_releases_) return;
  EXPECT_EQ(ours_.observer.Do("DEBUG PEAL-CHECK"), "OK") << "PEAL_SEED=" << seed_;
}

bool SideBySide::MustNotBeSent(size_t who, const CommandLine& command) {
  const Connection& connection = connections_[who];
  const std::string name = Name(command);
  // It would obey.
  if (name == "shutdown" && command != CommandLine{"SHUTDOWN", "bogus"}) return true;
  // Several names have several replies; in a transaction Peal refuses what breaks EXEC's reply.
  if (IsSubscribing(name) && command.size() > 2) return true;
  if (IsSubscribing(name) && command.size() != 2 && connection.is_queueing) return true;
  // What differs between releases: the arity.
  if (name == "command" && command.size() == 3) return true;
  if ((name == "zrank" || name == "zrevrank") && command.size() > 3) return true;
  // Differs (docs/differences.md): redis-server does not tell watchers that it became dense.
  const bool is_watched = std::any_of(connections_.begin(), connections_.end(),
                                      [](const Connection& each) { return each.is_watching; });
  if (name == "pfdebug" && (is_watched || connection.is_queueing)) return true;
  // Likewise that a BITFIELD whose changes all failed has lengthened the string.
  if (name == "bitfield" && (is_watched || connection.is_queueing) &&
      std::any_of(command.begin(), command.end(),
                  [](const std::string& word) { return Lower(word) == "fail"; })) {
    return true;
  }
  // Which of several places at one distance falls to COUNT differs (docs/differences.md): where
  // they are stored, everything after would differ, too.
  if (IsGeoSearchWithCount(command)) {
    if (connection.is_queueing) return true;
    if (StoresPlaces(command) && HasTies(who, command)) return true;
  }
  if (!connection.is_queueing) return false;
  // Send() deals with a HyperLogLog that turns out to be corrupted, but not in a transaction.
  if (name == "pfadd" && command.size() > 3) return true;
  // What cannot be compared without asking further questions, or would be the start of different
  // ways.
  return ShowsWhatDiffers(command) || IsRandomChoice(name) || IsScan(name) || name == "spop" ||
         name == "dump";
}

void SideBySide::Step(size_t who, const CommandLine& command) {
  if (MustNotBeSent(who, command)) return;
  if (IsSort(Name(command)) && command.size() > 1) {
    has_sorted_ = true;
    // redis-server's SORT takes an ERANGE that was in errno before for its own, and refuses the
    // numbers. It may be left by another command, or by SORT itself when it makes a sorted set
    // large: so that is done first. INCRBYFLOAT sets errno to 0 and then finds no number.
    Send(who, {"SORT_RO", command[1], "BY", "nosort", "LIMIT", "0", "0"});
    Send(who, {"INCRBYFLOAT", "errno", "none"});
  }
  Send(who, command);
}

void SideBySide::Send(size_t who, const CommandLine& command) {
  Connection& connection = connections_[who];
  history_.push_back({who, command});
  theirs_.clients[who].SendCommand(command);
  ours_.clients[who].SendCommand(command);
  const std::string theirs = theirs_.clients[who].ReadRaw();
  const std::string ours = ours_.clients[who].ReadRaw();
  const std::string name = Name(command);
  bool is_same = false;
  if (name == "exec" && theirs[0] == '*' && ours[0] == '*') {
    is_same = IsSameExec(who, connection.queued, theirs, ours);
  } else if (name == "pfadd" && theirs == kCorrupted && ours == kCorrupted) {
    // Differs (docs/differences.md): Redis keeps what it added before it met the fault.
    is_same = true;
    for (Side* side : {&theirs_, &ours_}) side->clients[who].Call({"DEL", command[1]});
  } else if (connection.is_queueing || IsError(theirs) || IsError(ours)) {
    is_same = IsSame(who, command, theirs, ours, false);
  } else if (name == "spop") {
    is_same = SettlePop(who, command, theirs, ours);
  } else if (name == "dump") {
    is_same = ExchangeDumps(who, theirs, ours);
  } else if (IsScan(name)) {
    is_same = IsSameScan(who, command, theirs, ours);
  } else {
    is_same = IsSame(who, command, theirs, ours, false);
  }
  if (is_same) return Follow(who, command, theirs);
  Report(command, {theirs, ours});
  // One difference must not cause others.
  StartAnew();
}

void SideBySide::Follow(size_t who, const CommandLine& command, const std::string& reply) {
  Connection& connection = connections_[who];
  const std::string name = Name(command);
  if (reply == "+QUEUED\r\n") {
    connection.queued.push_back(command);
  } else if (name == "multi" && !IsError(reply)) {
    connection.is_queueing = true;
  } else if (name == "watch" && !IsError(reply)) {
    connection.is_watching = true;
  } else if (name == "unwatch" && !IsError(reply)) {
    connection.is_watching = false;
  } else if (name == "reset" && command.size() == 1) {
    connection = Connection{};
  } else if (connection.is_queueing &&
             (name == "exec" || (name == "discard" && command.size() == 1))) {
    // EXEC with words too many is refused, but ends the transaction as well.
    connection = Connection{};
  }
  if (name == "reset" && command.size() == 1) {
    theirs_.clients[who].Hello(resp_);
    ours_.clients[who].Hello(resp_);
  }
}

bool SideBySide::IsSameExec(size_t who, const std::vector<CommandLine>& queued,
                            const std::string& theirs, const std::string& ours) {
  if (theirs == ours) return true;
  const std::vector<std::string> expected = RawItems(theirs);
  const std::vector<std::string> actual = RawItems(ours);
  if (expected.size() != queued.size() || actual.size() != queued.size()) return false;
  for (size_t i = 0; i < queued.size(); ++i) {
    if (IsSame(who, queued[i], expected[i], actual[i], true)) continue;
    Report(queued[i], {expected[i], actual[i]});
    return false;
  }
  return true;
}

bool SideBySide::IsSame(size_t who, const CommandLine& command, const std::string& theirs,
                        const std::string& ours, bool in_exec) {
  if (theirs == ours) return true;
  if (across_releases_ && IsOfAnotherRelease(command, theirs, ours, !has_sorted_)) return true;
  if (IsError(theirs) || IsError(ours)) {
    // Redis cuts what it cites in an error at a NUL.
    return IsError(theirs) && IsError(ours) && HasNul(command);
  }
  const std::string name = Name(command);
  if (ShowsWhatDiffers(command)) {
    if (theirs[0] == ours[0]) return true;
    // Differs (docs/differences.md): redis-server sees a key whose time is over, too.
    return name == "memory" && Parse(ours).IsNull() &&
           theirs_.clients[who].Call({"EXISTS", command[2]}).integer == 0;
  }
  if (IsRandomChoice(name)) return IsChoice(who, command, theirs, ours);
  if (name == "ttl" || name == "pttl" || name == "expiretime" || name == "pexpiretime") {
    return IsSameWithTolerance(theirs, ours);
  }
  if (name == "object") {
    // CompareKeyspaces looks closer.
    static const std::set<std::string> kStrings = {"int", "embstr", "raw"};
    const std::string expected = Parse(theirs).text;
    const std::string actual = Parse(ours).text;
    return across_releases_ && ((kStrings.contains(expected) && kStrings.contains(actual)) ||
                                (expected == "quicklist" && actual == "listpack") ||
                                (expected == "skiplist" && actual == "listpack") ||
                                (expected == "hashtable" && actual == "listpack"));
  }
  if (name == "xinfo" || name == "xpending") {
    Reply expected = WithoutTimes(Parse(theirs));
    Reply actual = WithoutTimes(Parse(ours));
    if (name == "xpending" && command.size() > 3) {
      // Id, consumer, milliseconds since its delivery, deliveries.
      for (Reply* reply : {&expected, &actual}) {
        for (Reply& item : reply->items) {
          if (item.items.size() == 4) item.items[2].integer = 0;
        }
      }
    }
    return expected.Show() == actual.Show();
  }
  if (IsSort(name)) return IsSameSort(who, command, theirs, ours, in_exec);
  return IsSameOrder(who, command, theirs, ours, in_exec);
}

bool SideBySide::IsSameOrder(size_t who, const CommandLine& command, const std::string& theirs,
                             const std::string& ours, bool in_exec) {
  static const std::set<std::string> kUnordered = {"keys", "sunion", "sinter", "sdiff"};
  static const std::set<std::string> kMayBeHashed = {"smembers", "hkeys", "hvals", "hgetall"};
  const std::string name = Name(command);
  if (kUnordered.contains(name)) return IsSameWithoutOrder(theirs, ours, 1);
  if (kMayBeHashed.contains(name)) {
    if (!IsSameWithoutOrder(theirs, ours, name == "hgetall" ? 2 : 1)) return false;
    return in_exec ||
           theirs_.clients[who].Call({"OBJECT", "ENCODING", command[1]}).text == "hashtable";
  }
  if (name.starts_with("geo") && ours[0] == '*') {
    if (IsGeoSearchWithCount(command)) return IsSameButForTies(who, command, theirs, ours);
    const bool has_any = Contains(command, "any", kGeoOptions);
    if (has_any) return Head(theirs) == Head(ours);
    const bool has_order =
        Contains(command, "asc", kGeoOptions) || Contains(command, "desc", kGeoOptions);
    return !has_order && IsSameWithoutOrder(theirs, ours, 1);
  }
  return false;
}

bool SideBySide::IsSameButForTies(size_t who, const CommandLine& command, const std::string& theirs,
                                  const std::string& ours) {
  std::map<std::string, std::string> distances;
  for (const Reply& place : ours_.clients[who].Call(SearchOfAll(command)).items) {
    distances[place.At(0)] = place.At(1);
  }
  const std::vector<std::string> expected = PlacesOf(Parse(theirs));
  const std::vector<std::string> actual = PlacesOf(Parse(ours));
  return std::equal(expected.begin(), expected.end(), actual.begin(), actual.end(),
                    [&](const std::string& a, const std::string& b) {
                      return a == b || (distances.contains(a) && distances[a] == distances[b]);
                    });
}

bool SideBySide::HasTies(size_t who, const CommandLine& command) {
  std::set<std::string> distances;
  const Reply all = ours_.clients[who].Call(SearchOfAll(command));
  for (const Reply& place : all.items) distances.insert(place.At(1));
  return distances.size() < all.items.size();
}

bool SideBySide::IsSameSort(size_t who, const CommandLine& command, const std::string& theirs,
                            const std::string& ours, bool in_exec) {
  // Without a difference in order there are three reasons for one of it: a set that is not sorted
  // at all, equal weights, and NUL, where the C library ends its comparison.
  const bool has_pattern = Contains(command, "by", 2);
  const bool is_open = (has_pattern && Contains(command, "alpha", 2)) ||
                       (has_pattern && theirs.find('\0') != theirs.npos) ||
                       (Contains(command, "alpha", 2) && theirs.find('\0') != theirs.npos);
  const bool is_unsorted_set =
      has_pattern && (in_exec || theirs_.clients[who].Call({"TYPE", command[1]}).text == "set");
  if (!is_open && !is_unsorted_set) return false;
  if (Contains(command, "limit", 2)) return Head(theirs) == Head(ours);
  return IsSameWithoutOrder(theirs, ours, 1);
}

bool SideBySide::IsChoice(size_t who, const CommandLine& command, const std::string& theirs,
                          const std::string& ours) {
  if (theirs[0] != ours[0]) return false;
  const std::string name = Name(command);
  if (name == "randomkey") return Parse(ours).IsNull() == Parse(theirs).IsNull();
  Reply all;
  if (name == "srandmember") all = ours_.clients[who].Call({"SMEMBERS", command[1]});
  if (name == "hrandfield") all = ours_.clients[who].Call({"HGETALL", command[1]});
  if (name == "zrandmember") {
    all = ours_.clients[who].Call({"ZRANGE", command[1], "0", "-1", "WITHSCORES"});
  }
  std::multiset<std::string> there;
  std::multiset<std::string> chosen;
  AddLeaves(all, there);
  const Reply reply = Parse(ours);
  AddLeaves(reply, chosen);
  const bool may_repeat = command.size() > 2 && command[2][0] == '-';
  for (const std::string& leaf : chosen) {
    if (!there.contains(leaf)) return false;
    if (!may_repeat && command.size() == 3 && chosen.count(leaf) > 1) return false;
  }
  return reply.items.size() == Parse(theirs).items.size();
}

bool SideBySide::SettlePop(size_t who, const CommandLine& command, const std::string& theirs,
                           const std::string& ours) {
  if (theirs == ours) return true;
  if (theirs[0] != ours[0]) return false;
  const std::string& key = command[1];
  std::multiset<std::string> before[2];
  CommandLine rebuild{"SADD", key};
  for (const bool is_ours : {false, true}) {
    Client& client = is_ours ? ours_.clients[who] : theirs_.clients[who];
    const Reply popped = Parse(is_ours ? ours : theirs);
    const Reply rest = client.Call({"SMEMBERS", key});
    AddLeaves(popped, before[is_ours]);
    for (const Reply& member : rest.items) before[is_ours].insert(member.text);
    if (is_ours) continue;
    for (const Reply& member : rest.items) rebuild.push_back(member.text);
  }
  // Together they must be the set that both had.
  if (before[0] != before[1] || Parse(theirs).items.size() != Parse(ours).items.size()) {
    return false;
  }
  if (rebuild.size() == 2) return true;
  const std::string deadline =
      std::to_string(theirs_.clients[who].Call({"PEXPIRETIME", key}).integer);
  for (Side* side : {&theirs_, &ours_}) {
    side->clients[who].Call({"DEL", key});
    side->clients[who].Call(rebuild);
    if (deadline != "-1") side->clients[who].Call({"PEXPIREAT", key, deadline});
  }
  return true;
}

bool SideBySide::ExchangeDumps(size_t who, const std::string& theirs, const std::string& ours) {
  const Reply their_dump = Parse(theirs);
  const Reply our_dump = Parse(ours);
  if (their_dump.IsNull() || our_dump.IsNull()) return theirs == ours;
  const auto restores = [&](Side& side, const std::string& key, const std::string& payload) {
    return side.clients[who].Call({"RESTORE", key, "0", payload, "REPLACE"}).Show() == "OK";
  };
  // Each restores its own and the other's; the keyspaces are compared later.
  return restores(theirs_, "restored:1", our_dump.text) &&
         restores(ours_, "restored:1", their_dump.text) &&
         restores(theirs_, "restored:2", their_dump.text) &&
         restores(ours_, "restored:2", our_dump.text);
}

bool SideBySide::IsSameScan(size_t who, const CommandLine& command, const std::string& theirs,
                            const std::string& ours) {
  constexpr int kMostCalls = 100'000;
  const bool is_scan = Name(command) == "scan";
  const bool is_zscan = Name(command) == "zscan";
  const size_t cursor_at = is_scan ? 1 : 2;
  // A cursor that nobody gave may lead anywhere.
  if (command[cursor_at] != "0") return theirs[0] == ours[0];
  const size_t width = is_scan || Name(command) == "sscan" ? 1 : 2;
  std::set<std::string> seen[2];
  for (const bool is_ours : {false, true}) {
    Reply reply = Parse(is_ours ? ours : theirs);
    CommandLine next = command;
    for (int calls = 0;; ++calls) {
      if (reply.items.size() != 2 || calls > kMostCalls) return false;
      const Reply& items = reply.items[1];
      for (size_t i = 0; i + width <= items.items.size(); i += width) {
        std::string item = items.items[i].Show();
        if (width == 2) {
          const std::string& value = items.items[i + 1].text;
          item += " = " + (is_zscan ? CanonicalNumber(value, !has_sorted_) : value);
        }
        seen[is_ours].insert(std::move(item));
      }
      next[cursor_at] = reply.items[0].text;
      if (next[cursor_at] == "0") break;
      reply = (is_ours ? ours_ : theirs_).clients[who].Call(next);
    }
  }
  return seen[0] == seen[1];
}

void SideBySide::CompareContents() {
  const Encodings encodings = across_releases_ ? Encodings::kAcrossReleases : Encodings::kEqual;
  for (int db = 0; db < kDatabases; ++db) {
    const auto differences =
        CompareKeyspaces(ReadKeyspace(theirs_.observer, db, !has_sorted_),
                         ReadKeyspace(ours_.observer, db, !has_sorted_), encodings);
    if (differences.empty()) continue;
    for (const auto& [key, difference] : differences) {
      Report({"(keyspace)", key},
             {"", "database " + std::to_string(db) + ", redis / peal: " + difference});
    }
    return StartAnew();
  }
}

void SideBySide::Report(const CommandLine& command, const Difference& difference) {
  ++differences_;
  const std::string kind = command[0] == "(keyspace)"
                               ? difference.ours.substr(0, 50)
                               : Name(command) + difference.ours.substr(0, 20);
  if (++reported_[kind] > kMostOfOneCommand) return;
  // What happened to the same keys before, or to all if none is named.
  const bool names_none = command.size() == 1;
  const size_t most_shown = names_none ? 100 : 10;
  std::vector<std::string> before;
  for (auto at = history_.rbegin(); at != history_.rend() && before.size() < most_shown; ++at) {
    const bool is_related =
        names_none ||
        std::any_of(at->command.begin() + 1, at->command.end(), [&](const std::string& word) {
          return word.size() > 2 &&
                 std::find(command.begin() + 1, command.end(), word) != command.end();
        });
    if (is_related) before.push_back(std::to_string(at->who) + "> " + Shown(at->command));
  }
  std::ostringstream out;
  out << "PEAL_SEED=" << seed_ << " command " << step_ << " (RESP" << resp_
      << "): " << Shown(command);
  if (command[0] == "(keyspace)") {
    out << "\n  " << difference.ours;
  } else {
    const auto parting = std::mismatch(difference.theirs.begin(), difference.theirs.end(),
                                       difference.ours.begin(), difference.ours.end());
    const auto at = static_cast<size_t>(parting.first - difference.theirs.begin());
    out << "\n  redis: " << ShownFrom(difference.theirs, at)
        << "\n  peal:  " << ShownFrom(difference.ours, at);
  }
  out << "\n  before it, the latest first, with the number of the connection:";
  for (const std::string& line : before) out << "\n    " << line;
  ADD_FAILURE() << out.str();
}

}  // namespace peal::tests
