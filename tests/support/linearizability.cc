#include "tests/support/linearizability.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace peal::tests {
namespace {

using Command = std::vector<std::string>;

std::string Quoted(const std::string& text) {
  std::string out = "'";
  out += Escaped(text);
  return out + "'";
}

std::string Counted(size_t count) { return ":" + std::to_string(count); }

/// A state that the store may be in, and which operations under way have happened in it.
struct Possibility {
  uint64_t done = 0;
  SequentialStore store;

  friend auto operator<=>(const Possibility&, const Possibility&) = default;
};

/// Whether the operation, done now, replies what it replied.
bool Fits(SequentialStore& store, const Operation& operation) {
  for (size_t i = 0; i < operation.commands.size(); ++i) {
    if (operation.returned_ns == Operation::kNever) {
      store.Run(operation.commands[i]);
    } else if (store.Run(operation.commands[i], operation.replies[i]) != operation.replies[i]) {
      return false;
    }
  }
  return true;
}

/// The operations under way, and all that may be true.
class Search {
 public:
  explicit Search(const History& history) : history_(history) {}

  void Begin(size_t operation) {
    size_t slot = 0;
    while (slot < 63 && under_way_[slot] != kNone) ++slot;
    if (slot == 63) throw std::runtime_error("too many operations under way");
    under_way_[slot] = operation;
  }

  /// False if the operation cannot have happened.
  bool End(size_t operation) {
    size_t slot = 0;
    while (under_way_[slot] != operation) ++slot;
    const uint64_t bit = uint64_t{1} << slot;
    std::set<Possibility> ended;
    std::set<Possibility> seen = possible_;
    std::vector<Possibility> open(possible_.begin(), possible_.end());
    while (!open.empty()) {
      Possibility now = std::move(open.back());
      open.pop_back();
      if ((now.done & bit) != 0) {
        now.done &= ~bit;
        ended.insert(std::move(now));
        continue;
      }
      for (size_t each = 0; each < 63; ++each) {
        const uint64_t each_bit = uint64_t{1} << each;
        if (under_way_[each] == kNone || (now.done & each_bit) != 0) continue;
        Possibility next = now;
        if (!Fits(next.store, history_[under_way_[each]])) continue;
        next.done |= each_bit;
        if (seen.insert(next).second) open.push_back(std::move(next));
      }
    }
    possible_ = std::move(ended);
    under_way_[slot] = kNone;
    return !possible_.empty();
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  const History& history_;
  std::vector<size_t> under_way_ = std::vector<size_t>(63, kNone);
  std::set<Possibility> possible_{Possibility{}};
};

}  // namespace

std::string Operation::Show() const {
  std::string out;
  for (size_t i = 0; i < commands.size(); ++i) {
    if (i != 0) out += "; ";
    for (const std::string& word : commands[i]) out += Escaped(word) + " ";
    out += "-> " + (i < replies.size() ? replies[i] : "?");
  }
  out += " [" + std::to_string(called_ns) + ", ";
  return out + (returned_ns == kNever ? "never" : std::to_string(returned_ns)) + "]";
}

// ---------------------------------------------------------------- one thread's store

std::string SequentialStore::Run(const Command& command, const std::string& observed) {
  const std::string& name = command.at(0);
  if (name == "DEL" || name == "EXISTS") {
    const std::string& key = command.at(1);
    if (name == "EXISTS") return Counted(strings_.count(key) + lists_.count(key));
    return Counted(strings_.erase(key) + lists_.erase(key));
  }
  if (name == "RENAME") {
    const std::string& from = command.at(1);
    const std::string& to = command.at(2);
    auto string = strings_.extract(from);
    auto list = lists_.extract(from);
    if (string.empty() && list.empty()) return "-ERR no such key";
    strings_.erase(to);
    lists_.erase(to);
    if (!string.empty()) strings_[to] = string.mapped();
    if (!list.empty()) lists_[to] = list.mapped();
    return "OK";
  }
  const bool is_list = name.find("PUSH") != std::string::npos ||
                       name.find("POP") != std::string::npos || name.ends_with("LMOVE") ||
                       name == "LLEN" || name == "LRANGE";
  return is_list ? RunList(command, observed) : RunString(command);
}

std::string SequentialStore::RunString(const Command& command) {
  const std::string& name = command.at(0);
  const auto show = [this](const std::string& key) {
    const auto found = strings_.find(key);
    return found == strings_.end() ? std::string("nil") : Quoted(found->second);
  };
  if (name == "GET") return show(command.at(1));
  if (name == "MGET") {
    std::string out = "[";
    for (size_t i = 1; i < command.size(); ++i) out += (i == 1 ? "" : ", ") + show(command[i]);
    return out + "]";
  }
  if (name == "GETSET") {
    const std::string old = show(command.at(1));
    strings_[command[1]] = command.at(2);
    return old;
  }
  if (name == "SET") {
    if (command.size() > 3) {
      const bool is_ifeq = command.at(3) == "IFEQ";
      if (!is_ifeq && command[3] != "NX") throw std::runtime_error("SET " + command[3]);
      const auto found = strings_.find(command[1]);
      const bool fits = is_ifeq ? found != strings_.end() && found->second == command.at(4)
                                : found == strings_.end();
      if (!fits) return "nil";
    }
    strings_[command.at(1)] = command.at(2);
    return "OK";
  }
  if (name == "MSET" || name == "MSETNX") {
    if (name == "MSETNX") {
      for (size_t i = 1; i < command.size(); i += 2) {
        if (strings_.count(command[i]) != 0) return ":0";
      }
    }
    for (size_t i = 1; i < command.size(); i += 2) strings_[command[i]] = command.at(i + 1);
    return name == "MSET" ? "OK" : ":1";
  }
  if (name == "INCRBY") {
    std::string& value = strings_[command.at(1)];
    const int64_t sum = (value.empty() ? 0 : std::stoll(value)) + std::stoll(command.at(2));
    value = std::to_string(sum);
    return ":" + value;
  }
  if (name == "COPY") {  // COPY from to REPLACE
    const auto found = strings_.find(command.at(1));
    if (found == strings_.end()) return ":0";
    strings_[command.at(2)] = std::string(found->second);
    return ":1";
  }
  throw std::runtime_error("the sequential store has no " + name);
}

std::string SequentialStore::RunList(const Command& command, const std::string& observed) {
  const std::string& name = command.at(0);
  if (name == "LPUSH" || name == "RPUSH") {
    std::vector<std::string>& list = lists_[command.at(1)];
    for (size_t i = 2; i < command.size(); ++i) {
      list.insert(name == "LPUSH" ? list.begin() : list.end(), command[i]);
    }
    return Counted(list.size());
  }
  if (name == "LPOP" || name == "RPOP") return Pop(command.at(1), name == "LPOP");
  if (name == "BLPOP" || name == "BRPOP") {
    for (size_t i = 1; i + 1 < command.size(); ++i) {
      const std::string start = "[" + Quoted(command[i]) + ", ";
      if (lists_.count(command[i]) == 0) continue;
      if (observed.starts_with('[') && !observed.starts_with(start)) continue;
      return start + Pop(command[i], name == "BLPOP") + "]";
    }
    return "nil";
  }
  if (name == "LMOVE" || name == "BLMOVE") {
    return MoveElement(command.at(1), command.at(2), command.at(3) == "LEFT",
                       command.at(4) == "LEFT");
  }
  if (name == "RPOPLPUSH" || name == "BRPOPLPUSH") {
    return MoveElement(command.at(1), command.at(2), false, true);
  }
  const auto found = lists_.find(command.at(1));
  if (name == "LLEN") return Counted(found == lists_.end() ? 0 : found->second.size());
  if (name == "LRANGE" && command.at(2) == "0" && command.at(3) == "-1") {
    std::string out = "[";
    if (found != lists_.end()) {
      for (const std::string& item : found->second) {
        if (out.size() > 1) out += ", ";
        out += Quoted(item);
      }
    }
    return out + "]";
  }
  throw std::runtime_error("the sequential store has no such " + name);
}

std::string SequentialStore::Pop(const std::string& key, bool left) {
  const auto found = lists_.find(key);
  if (found == lists_.end()) return "nil";
  const auto at = left ? found->second.begin() : found->second.end() - 1;
  std::string out = Quoted(*at);
  found->second.erase(at);
  if (found->second.empty()) lists_.erase(found);
  return out;
}

std::string SequentialStore::MoveElement(const std::string& from, const std::string& to,
                                         bool from_left, bool to_left) {
  const auto found = lists_.find(from);
  if (found == lists_.end()) return "nil";
  const std::string item = from_left ? found->second.front() : found->second.back();
  const std::string out = Pop(from, from_left);
  std::vector<std::string>& target = lists_[to];
  target.insert(to_left ? target.begin() : target.end(), item);
  return out;
}

// ---------------------------------------------------------------- the search

std::string FindNonLinearizable(History history) {
  struct Event {
    int64_t at_ns;
    bool is_end;  // of two at the same time, the beginning comes first: they may have overlapped
    size_t operation;
    auto operator<=>(const Event&) const = default;
  };
  std::vector<Event> events;
  for (size_t i = 0; i < history.size(); ++i) {
    events.push_back({history[i].called_ns, false, i});
    if (history[i].returned_ns != Operation::kNever) {
      events.push_back({history[i].returned_ns, true, i});
    }
  }
  std::sort(events.begin(), events.end());
  Search search(history);
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    if (!event.is_end) {
      search.Begin(event.operation);
    } else if (!search.End(event.operation)) {
      std::string out = "no order explains " + history[event.operation].Show() + " after:";
      for (size_t back = i > 60 ? i - 60 : 0; back < i; ++back) {
        if (events[back].is_end) out += "\n  " + history[events[back].operation].Show();
      }
      return out;
    }
  }
  return {};
}

// ---------------------------------------------------------------- recording

int64_t NowNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
      .count();
}

Reply CallInto(History& history, Client& client, const std::vector<Command>& commands) {
  Operation operation;
  operation.commands = commands;
  std::string bytes;
  const bool is_exec = commands.size() > 1;
  if (is_exec) bytes += EncodeCommand({"MULTI"});
  for (const Command& command : commands) bytes += EncodeCommand(command);
  if (is_exec) bytes += EncodeCommand({"EXEC"});
  operation.called_ns = NowNs();
  client.Send(bytes);
  if (is_exec) client.ReadMany(commands.size() + 1);
  Reply reply = client.Read();
  operation.returned_ns = NowNs();
  if (is_exec) {
    for (const Reply& item : reply.items) operation.replies.push_back(item.Show());
    // An EXEC that did not run is a fault of its own; no order explains it.
    operation.replies.resize(commands.size(), reply.Show());
  } else {
    operation.replies.push_back(reply.Show());
  }
  history.push_back(std::move(operation));
  return reply;
}

}  // namespace peal::tests
