#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/behaviour.h"
#include "tests/support/script/vocabulary.h"

namespace peal::tests {

/// A redis-server that lives as long as the test program.
Server& Reference();

/// How many commands a random script has: $PEAL_DIFFERENTIAL_COMMANDS, or `otherwise`.
int ScriptLength(int otherwise);

/// Sends the same commands to a redis-server and to the server under test, and compares replies and
/// what is left in the keyspaces.
///
/// Octet by octet, with these exceptions:
/// - where hashing decides an order (SUNION, KEYS, a large hash) or the documentation leaves it
/// open
///   (GEOSEARCH without an order, elements of equal weight under SORT), items are compared without
///   order; where only some of them are taken, how many;
/// - random choices must be among what is there; what SPOP took from one side is then given the
///   other way, so that both go on alike;
/// - SCAN and its kin are repeated to their end, and compared as sets;
/// - DUMP payloads are given to the other side to restore;
/// - times may differ by what passes between asking one and the other;
/// - OBJECT ENCODING of small lists and sets is that of Redis 7.2, of strings that of a SET;
/// - ids, addresses, versions, memory.
class SideBySide {
 public:
  /// Both sides are emptied. `seed` is shown with each difference.
  SideBySide(Server& theirs, Server& ours, int resp, uint64_t seed);

  /// Sends `commands` commands of `make`, and compares the keyspaces now and then.
  void Run(CommandLine (*make)(Vocabulary& words), int commands);

 private:
  static constexpr int kConnections = 2;
  struct Side {
    std::vector<Client> clients;
    Client observer;  // speaks RESP2, is never in a transaction
  };
  struct Connection {
    bool is_queueing = false;
    bool is_watching = false;
    std::vector<CommandLine> queued;
  };
  struct Difference {
    std::string theirs;
    std::string ours;
  };

  void StartAnew();
  /// Keys of all types, so that commands find what they want and what they do not want.
  void Furnish();
  /// One command of the script, with what it needs.
  void Step(size_t who, const CommandLine& command);
  void Send(size_t who, const CommandLine& command);
  bool MustNotBeSent(size_t who, const CommandLine& command);
  void Follow(size_t who, const CommandLine& command, const std::string& reply);
  bool IsSame(size_t who, const CommandLine& command, const std::string& theirs,
              const std::string& ours, bool in_exec);
  bool IsSameExec(size_t who, const std::vector<CommandLine>& queued, const std::string& theirs,
                  const std::string& ours);
  bool IsSameOrder(size_t who, const CommandLine& command, const std::string& theirs,
                   const std::string& ours, bool in_exec);
  /// Whether two replies to a search with COUNT name places at the same distances.
  bool IsSameButForTies(size_t who, const CommandLine& command, const std::string& theirs,
                        const std::string& ours);
  /// Whether a search finds several places at one distance.
  bool HasTies(size_t who, const CommandLine& command);
  bool IsSameSort(size_t who, const CommandLine& command, const std::string& theirs,
                  const std::string& ours, bool in_exec);
  bool IsChoice(size_t who, const CommandLine& command, const std::string& theirs,
                const std::string& ours);
  bool SettlePop(size_t who, const CommandLine& command, const std::string& theirs,
                 const std::string& ours);
  bool ExchangeDumps(size_t who, const std::string& theirs, const std::string& ours);
  bool IsSameScan(size_t who, const CommandLine& command, const std::string& theirs,
                  const std::string& ours);
  void CompareContents();
  void Report(const CommandLine& command, const Difference& difference);

  Side theirs_;
  Side ours_;
  const int resp_;
  const uint64_t seed_;
  const bool across_releases_;  // whether ours is not the release of theirs
  std::vector<Connection> connections_{kConnections};
  struct Sent {
    size_t who;
    CommandLine command;
  };
  std::vector<Sent> history_;  // since both were emptied
  std::map<std::string, int> reported_;
  /// Whether any SORT has been sent since both were emptied. From then on redis-server may know the
  /// sign of a score of zero where Peal does not: only large sorted sets keep it, and SORT makes
  /// small ones large (docs/differences.md).
  bool has_sorted_ = false;
  int differences_ = 0;
  int step_ = 0;
};

}  // namespace peal::tests
