#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/behaviour.h"

namespace peal::tests {

/// What went into a data structure and what came out of it again, each thing by a name of its own.
/// For one thread; tallies of several threads can be added up.
class Tally {
 public:
  void Put(const std::string& name) { ++put_[name]; }
  void Take(const std::string& name) { ++taken_[name]; }
  Tally& operator+=(const Tally& other);

  size_t put() const { return put_.size(); }
  size_t taken() const { return taken_.size(); }
  /// Empty if all that was put was taken, once; else what was lost, doubled or invented.
  std::string Differences() const;

 private:
  std::map<std::string, int> put_;
  std::map<std::string, int> taken_;
};

/// The position of the first number that is not above the one before it, or -1.
int FirstOutOfOrder(const std::vector<int64_t>& numbers);

/// The sum of all numbers in `reply`, whatever its shape; null counts as 0. Throws on other text.
int64_t SumOf(const Reply& reply);

/// A test in which many clients do things at once to one server. How their threads interleave
/// cannot be repeated; what each of them does can, by $PEAL_SEED. When all is over the server
/// looks at all that it keeps.
class Concurrent : public Behaviour {
 protected:
  using Random = std::mt19937_64;

  void SetUp() override;
  void TearDown() override;

  /// Runs `body` in a thread, with a connection and random numbers of its own, when all are there:
  /// Join lets them go. An exception fails the test, and tells the others that it is over.
  void Start(const std::function<void(Client& client, Random& random)>& body);
  /// Lets all threads go at once, and waits for them.
  void Join();
  bool IsOver() const { return is_over_; }
  void SetOver() { is_over_ = true; }

  int64_t BlockedClients() { return InfoNumber("blocked_clients"); }
  /// Waits until so many clients are blocked.
  void AwaitBlocked(int64_t count);

 private:
  uint64_t seed_ = 0;
  std::atomic<bool> may_go_{false};
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> threads_;
};

/// {1, many reactors} x {1, many stripes}; both protocols are used.
std::vector<Setup> ConcurrentSetups();

}  // namespace peal::tests
