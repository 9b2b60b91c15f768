#include "broker/exec/leave.h"

#include <string>
#include <vector>

#include "broker/exec/client.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/metrics/clock.h"

namespace peal::broker {
namespace {

// As many are left on the spot; looking at the clock for fewer would cost more than it saves.
constexpr size_t kAtOnce = 512;

constexpr Space kAllSpaces[] = {Space::kChannel, Space::kPattern, Space::kShard};

/// Leaves everything in silence, then gives one status reply.
class LeaveAllJob final : public ClientJob {
 public:
  explicit LeaveAllJob(std::string status) : status_(std::move(status)) {}

  bool Step(Client& client, int64_t deadline_us) override {
    Worker& worker = client.worker();
    Hub& hub = worker.server().hub();
    worker.FlushReply(client);
    for (const Space space : kAllSpaces) {
      uint64_t hint = 0;
      size_t left = 0;
      while (hub.UnsubscribeAny(worker.hub_port(), space, client, hint, nullptr)) {
        if (++left % kAtOnce == 0 && MonotonicUs() >= deadline_us) return false;
      }
    }
    client.UpdateClass();
    protocol::ReplyWriter(worker.replies(), client.resp()).Simple(status_);
    return true;
  }

 private:
  const std::string status_;
};

/// Leaves all of one kind, each with its acknowledgement.
class LeaveEachJob final : public ClientJob {
 public:
  LeaveEachJob(Space space, std::string_view kind) : space_(space), kind_(kind) {}

  bool Step(Client& client, int64_t deadline_us) override {
    Worker& worker = client.worker();
    Hub& hub = worker.server().hub();
    // A client that does not read its acknowledgements is not flooded with the rest of them.
    while (client.output().bytes() <= Reactor::kOutputPauseBytes) {
      // Leaving may hand out messages of before; they go in front of the acknowledgements.
      worker.FlushReply(client);
      uint64_t count = CountOf(client);
      std::vector<std::string> names;
      std::string name;
      while (names.size() < kAtOnce &&
             hub.UnsubscribeAny(worker.hub_port(), space_, client, hint_, &name)) {
        names.push_back(std::move(name));
      }
      for (const std::string& each : names) {
        const std::string_view view = each;
        Acknowledge(client, kind_, &view, --count);
      }
      if (client.subscriptions(space_).empty()) {
        client.UpdateClass();
        return true;
      }
      if (MonotonicUs() >= deadline_us) return false;
    }
    return false;
  }

 private:
  const Space space_;
  uint64_t CountOf(const Client& client) const {
    return space_ == Space::kShard ? client.ShardCount() : client.GlobalCount();
  }

  const std::string kind_;
  uint64_t hint_ = 0;
};

template <typename Job>
void RunOrStart(CommandContext& context, std::unique_ptr<Job> job) {
  // Inside EXEC the reply must be whole at once.
  const int64_t slice_us = context.server.config().pubsub_cleanup_slice_us;
  if (job->Step(context.client, context.in_exec ? INT64_MAX : MonotonicUs() + slice_us)) return;
  context.client.StartJob(std::move(job));
}

}  // namespace

void Acknowledge(Client& client, std::string_view kind, const std::string_view* name,
                 uint64_t count) {
  protocol::ReplyWriter writer(client.worker().replies(), client.resp());
  writer.Push(3);
  writer.Bulk(kind);
  if (name != nullptr) {
    writer.Bulk(*name);
  } else {
    writer.Null();
  }
  writer.Integer(static_cast<int64_t>(count));
}

void LeaveAllAndReply(CommandContext& context, std::string_view status) {
  RunOrStart(context, std::make_unique<LeaveAllJob>(std::string(status)));
}

void LeaveEach(CommandContext& context, Space space, std::string_view kind) {
  if (context.client.subscriptions(space).empty()) {
    const Client& client = context.client;
    Acknowledge(context.client, kind, nullptr,
                space == Space::kShard ? client.ShardCount() : client.GlobalCount());
    return;
  }
  RunOrStart(context, std::make_unique<LeaveEachJob>(space, kind));
}

}  // namespace peal::broker
