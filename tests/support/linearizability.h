#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/client.h"

namespace peal::tests {

/// Something that one client asked for and that has to look as if it happened at one point of time:
/// a command, or several that belong together (an EXEC, or a read and the transaction that
/// depended on it).
struct Operation {
  static constexpr int64_t kNever = INT64_MAX;

  std::vector<std::vector<std::string>> commands;
  /// What each command replied, as Reply::Show has it. Ignored if it never returned.
  std::vector<std::string> replies;
  /// Nanoseconds of a steady clock: before the first octet was sent, after the last was received.
  int64_t called_ns = 0;
  int64_t returned_ns = kNever;

  /// "SET k 1 -> OK; GET k -> '1' [12, 17]".
  std::string Show() const;
};

using History = std::vector<Operation>;

/// Strings and lists as one thread would keep them: what the histories are compared with. Knows the
/// commands that the histories use, and throws std::runtime_error on any other.
///
/// A blocking command that replies null finds all its keys empty. The words are in upper case.
class SequentialStore {
 public:
  /// Runs one command. Returns its reply as Reply::Show has it. Where one thread has a choice,
  /// `observed` decides, if it is not empty: who waits for several keys is served from the one that
  /// is looked at first, which need not be the first of the command.
  std::string Run(const std::vector<std::string>& command, const std::string& observed = {});

  friend auto operator<=>(const SequentialStore&, const SequentialStore&) = default;

 private:
  std::string RunString(const std::vector<std::string>& command);
  std::string RunList(const std::vector<std::string>& command, const std::string& observed);
  std::string Pop(const std::string& key, bool left);
  std::string MoveElement(const std::string& from, const std::string& to, bool from_left,
                          bool to_left);

  std::map<std::string, std::string> strings_;
  std::map<std::string, std::vector<std::string>> lists_;  // none is empty
};

/// Empty if there is an order of all operations in which each gets the reply that it got, and in
/// which an operation that ended before another began comes first; else what could not be placed.
/// An operation that never returned may have happened or not.
///
/// Wing and Gong's search, step by step in real time as in Lowe's "Testing for linearizability":
/// keeps every state that the store may be in, each with the operations under way that have
/// happened in it. At most 63 operations may be under way at a time.
std::string FindNonLinearizable(History history);

/// Sends `commands` one after the other (as one EXEC if there are several) and adds them to
/// `history`.
Reply CallInto(History& history, Client& client,
               const std::vector<std::vector<std::string>>& commands);

/// Nanoseconds of a steady clock.
int64_t NowNs();

}  // namespace peal::tests
