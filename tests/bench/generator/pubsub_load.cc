#include "pubsub_load.h"

#include <algorithm>
#include <cstring>

#include "wire.h"

namespace peal::bench {
namespace {
constexpr uint32_t kMagic = 0x6c616550;
constexpr uint32_t kConnectAtOnce = 128;
constexpr uint64_t kMaxBytesInFlight = 64 << 20;
}  // namespace

void PubSubLoad::SetPayload(uint32_t bytes) {
  payload_.resize(std::max<size_t>(bytes, sizeof(Head)));
  for (size_t i = 0; i < payload_.size(); ++i) payload_[i] = char('a' + i % 26);
  const uint64_t batches =
      2 * uint64_t(publisher_count_) * depth * std::max<uint64_t>(deliveries_per_publish, 1);
  max_in_flight_ = std::max<uint64_t>(1, std::min(batches, kMaxBytesInFlight / payload_.size()));
}

void PubSubLoad::ResetSequences() {
  next_sequence_.assign(size_t(publisher_count_) * channels.size(), 0);
  const size_t streams = checks_each_subscriber ? size_t(subscriber_count_) : channels.size();
  wanted_sequence_.assign(streams * publisher_count_, 0);
}

void PubSubLoad::ResetCounts() {
  published = replied = delivered = expected = 0;
  gaps_ = reordered_ = damaged_ = receiver_mismatches = 0;
  latency.Clear();
  lateness.Clear();
}

void PubSubLoad::OnMessage(Connection& connection, std::string_view payload) {
  if (connection.id >= kForeignId) return;
  ++delivered;
  Head head;
  if (payload.size() != payload_.size()) {
    ++damaged_;
    return;
  }
  std::memcpy(&head, payload.data(), sizeof head);
  if (head.magic != kMagic || head.size != payload_.size() || head.publisher >= publisher_count_ ||
      head.channel >= channels.size() ||
      payload.substr(sizeof head) != std::string_view(payload_).substr(sizeof head)) {
    ++damaged_;
    return;
  }
  const size_t stream = checks_each_subscriber ? connection.id : head.channel;
  uint32_t& wanted = wanted_sequence_[stream * publisher_count_ + head.publisher];
  const auto sequence = uint32_t(head.sequence);
  // One of many channels seen by one of many subscribers has gaps of its own making: there only
  // the direction is checked, and the totals tell of losses.
  const bool is_sparse = checks_each_subscriber && channels.size() > 1;
  if (sequence >= wanted) {
    if (!is_sparse) gaps_ += sequence - wanted;
    wanted = sequence + 1;
  } else {
    ++reordered_;
  }
  if (records) latency.Add(g_loop.now_ns - head.time_ns);
}

void PubSubLoad::PublishOne(Connection& publisher, uint64_t time_ns) {
  const uint32_t channel = channels.size() == 1 ? 0 : Random(uint32_t(channels.size()));
  const Head head{kMagic,
                  publisher.id,
                  channel,
                  uint32_t(payload_.size()),
                  next_sequence_[size_t(publisher.id) * channels.size() + channel]++,
                  time_ns};
  std::memcpy(payload_.data(), &head, sizeof head);
  AppendPublish(publisher.output, channels[channel], payload_);
  ++published;
  expected += deliveries_per_publish;
}

void PubSubLoad::SendBatch(Connection& publisher) {
  const uint64_t now_ns = NowNs();
  for (uint32_t i = 0; i < depth; ++i) PublishOne(publisher, now_ns);
  publisher.pending = depth;
  if (IsNats()) {  // PUB has no reply: a PING ends the batch
    AppendPing(publisher.output);
    publisher.pending = 1;
  }
  Flush(publisher);
}

void PubSubLoad::FinishBatch(Connection& publisher) {
  if (!is_open_loop) ready_.push_back(&publisher);
}

void PubSubLoad::OnReply(Connection& connection, char type, std::string_view, int64_t number) {
  if (connection.id >= kForeignId) return;
  if (type != ':')
    CountMalformed("unexpected reply");
  else if (uint64_t(number) != deliveries_per_publish)
    ++receiver_mismatches;
  else if (first_match_ns == 0)
    first_match_ns = g_loop.now_ns;
  ++replied;
  if (connection.pending && --connection.pending == 0) FinishBatch(connection);
}

void PubSubLoad::OnAck(Connection& connection) {
  ++connection.acks;
  if (connection.id >= kForeignId) return;
  if (IsNats() && connection.pending && --connection.pending == 0) {
    replied += depth;
    FinishBatch(connection);
  }
}

void PubSubLoad::Kick() {
  while (!is_draining_ && !ready_.empty()) {
    const auto in_flight = int64_t(expected - delivered);
    const uint64_t batch = depth * deliveries_per_publish;
    if (in_flight > 0 && uint64_t(in_flight) + batch > max_in_flight_ && batch > 0) return;
    Connection* publisher = ready_.back();
    ready_.pop_back();
    SendBatch(*publisher);
  }
}

void PubSubLoad::AddPublishers() {
  for (uint32_t i = 0; i < publisher_count_; ++i) {
    Connection& publisher = publishers.emplace_back();
    publisher.id = i;
    Open(publisher);
    if (IsNats()) AppendPing(publisher.output);
    Flush(publisher);
  }
  const auto answered = [](const Connection& publisher) { return publisher.acks > 0; };
  if (IsNats() && !Until([&] { return std::ranges::all_of(publishers, answered); }, 10))
    Die("no PONG");
}

void PubSubLoad::AddSubscribers(uint32_t count, const Subscribe& subscribe, double limit_s) {
  subscriber_count_ = count;
  std::vector<uint64_t> wanted(count, 0);
  for (uint32_t done = 0; done < count;) {
    const uint32_t end = std::min(count, done + kConnectAtOnce);
    for (uint32_t i = done; i < end; ++i) {
      Connection& subscriber = subscribers.emplace_back();
      subscriber.id = i;
      Open(subscriber);
      wanted[i] = subscribe(i, subscriber.output);
      if (IsNats()) {
        AppendPing(subscriber.output);
        wanted[i] = 1;
      }
      Flush(subscriber);
    }
    const auto all_acknowledged = [&] {
      for (uint32_t i = done; i < end; ++i)
        if (subscribers[i].acks < wanted[i] && !subscribers[i].is_gone) return false;
      return true;
    };
    if (!Until(all_acknowledged, limit_s)) Die("subscribing timed out");
    done = end;
  }
  if (g_loop.closed)
    Die("the server closed a connection while subscribing: %s", g_loop.first_bad.c_str());
}

void PubSubLoad::CloseAll() {
  for (Connection& publisher : publishers) Close(publisher);
  for (Connection& subscriber : subscribers) Close(subscriber);
  publishers.clear();
  subscribers.clear();
  ready_.clear();
}

void PubSubLoad::RunFor(double seconds) {
  const uint64_t end_ns = NowNs() + uint64_t(seconds * 1e9);
  do {
    Kick();
    Poll(kPollNs);
  } while (g_loop.now_ns < end_ns);
}

void PubSubLoad::RunToReply() {
  const uint64_t before = replied, end_ns = NowNs() + 4'000'000'000;
  while (replied == before && NowNs() < end_ns) {
    Kick();
    Poll(kPollNs);
  }
}

void PubSubLoad::Drain(double limit_s) {
  is_draining_ = true;
  Until(
      [&] {
        if (delivered < expected) return false;
        return is_open_loop ? replied >= published || IsNats() : ready_.size() == publishers.size();
      },
      limit_s);
  is_draining_ = false;
}

Row PubSubLoad::Closed(const std::string& name, Operation operation) {
  ResetCounts();
  ResetSequences();
  ready_.clear();
  for (Connection& publisher : publishers) ready_.push_back(&publisher);
  RunFor(g_options.warm_up_s);

  Window window;
  RunToReply();
  const uint64_t delivered_before = delivered, replied_before = replied;
  window.Begin();
  RunFor(g_options.window_s);
  RunToReply();
  window.End();
  const uint64_t deliveries = delivered - delivered_before, publishes = replied - replied_before;
  Drain();

  Row row(name);
  window.Put(row, operation == Operation::kPublish ? publishes : deliveries);
  row.Number("publish_s", double(publishes) / window.wall_s());
  row.Number("deliver_s", double(deliveries) / window.wall_s());
  row.Number("srv_us_publish", publishes ? window.server_us() / double(publishes) : 0);
  row.Count("depth", depth).Count("payload_bytes", payload_.size());
  PutChecks(row);
  return row;
}

void PubSubLoad::OpenLoad(double rate, double seconds, const std::function<void()>& each_turn) {
  is_open_loop = true;
  const uint64_t began_ns = NowNs(), total = uint64_t(rate * seconds);
  const double step_ns = 1e9 / rate;
  const auto due_ns = [&](uint64_t index) { return began_ns + uint64_t(double(index) * step_ns); };
  for (uint64_t next = 0; next < total;) {
    uint64_t now_ns = NowNs();
    for (; next < total && now_ns >= due_ns(next); ++next) {
      PublishOne(publishers[next % publisher_count_], due_ns(next));
      if (records) lateness.Add(now_ns - due_ns(next));
    }
    for (Connection& publisher : publishers)
      if (!publisher.output.empty()) Flush(publisher);
    if (each_turn) each_turn();
    now_ns = NowNs();
    const uint64_t due = due_ns(next);
    Poll(due > now_ns ? int64_t(due - now_ns) : 0);
  }
}

void PubSubLoad::PutChecks(Row& row) const {
  row.Count("lost", expected > delivered ? expected - delivered : 0);
  row.Count("excess", delivered > expected ? delivered - expected : 0);
  row.Count("gaps", gaps_).Count("dup_or_reorder", reordered_);
  row.Count("malformed", damaged_ + g_loop.malformed);
  if (receiver_mismatches) row.Count("receiver_count_mismatch", receiver_mismatches);
  if (!g_loop.first_bad.empty()) row.Text("first_bad", g_loop.first_bad);
  if (g_loop.closed) row.Count("closed_conns", g_loop.closed);
}

}  // namespace peal::bench
