// Requests over many connections, closed loop, with a bystander who measures how long a PING takes.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "client.h"
#include "row.h"

namespace peal::bench {

class RequestLoad : public Handler {
 public:
  /// Appends one request and returns how many replies it causes. `number` counts from 0 in each
  /// Run and Measure.
  using Append = std::function<uint32_t(std::string& out, Connection&, uint64_t number)>;

  explicit RequestLoad(uint32_t connections);
  ~RequestLoad() override;

  /// Sends `count` requests, `depth` at a time on each connection, and waits for their replies.
  void Run(uint64_t count, const Append& append, uint32_t depth = 50);

  /// Requests for the window, after the warm-up, `depth` at a time on each connection, and a row of
  /// what they cost. A null is counted as a miss if `nulls_are_misses`.
  void Measure(const std::string& name, uint32_t depth, const Append& append,
               bool nulls_are_misses = true);

  /// One request on a connection of its own. The reply's type and text, or what it counts.
  struct Reply {
    char type = 0;
    std::string text;
    int64_t number = 0;
  };
  Reply Ask(std::initializer_list<std::string_view> words);

  /// What the bystander's PINGs took since the last call. It sends one after the other, a
  /// millisecond apart, while requests run.
  Histogram TakeRoundTrips();
  /// Nothing but the bystander for `seconds`.
  void Watch(double seconds);

  /// Called with each reply of a request.
  std::function<void(Connection&, char type, std::string_view text, int64_t number)> on_reply;

 private:
  void OnReply(Connection& connection, char type, std::string_view text, int64_t number) override;
  void Kick(uint64_t end, const Append& append);
  void PollAndWatch();
  void Drain();

  std::deque<Connection> connections_;
  std::vector<Connection*> ready_;
  Connection bystander_;
  Connection control_;
  Reply last_;
  bool has_last_ = false;
  bool has_answer_ = true;
  uint64_t ping_ns_ = 0;
  Histogram round_trips_, batches_;
  uint32_t depth_ = 50;
  uint64_t next_ = 0, requests_done_ = 0, nulls_ = 0;
  bool records_ = false;
};

}  // namespace peal::bench
