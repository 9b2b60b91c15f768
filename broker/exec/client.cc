#include "broker/exec/client.h"

#include <algorithm>
#include <cstring>

#include "broker/exec/multi.h"
#include "broker/exec/rights.h"
#include "broker/exec/server.h"
#include "broker/exec/worker.h"
#include "broker/log/log.h"
#include "broker/net/address.h"
#include "broker/net/transport.h"
#include "broker/pubsub/tracking.h"
#include "protocol/base/text.h"

namespace peal::broker {
namespace {

// Room in front of a large argument: the head of a published message but for the channel's name.
constexpr uint32_t kHeadroom = 64;
// Largest block; a larger argument is read the ordinary way.
constexpr uint64_t kLargestBlock = uint64_t{1} << 31;

}  // namespace

struct Client::LargeArguments {
  struct Block {
    Buffer* buffer;
    uint32_t offset;  // of the argument
    uint64_t length;
  };
  std::vector<Block> blocks;

  uint64_t Bytes() const {
    uint64_t sum = 0;
    for (const Block& block : blocks) sum += block.length;
    return sum;
  }
};

Client::Client(Worker& worker, int fd, ClientId id, ListenerKind kind, Transport& transport)
    : Subscriber(worker.reactor(), fd, id, transport),
      worker_(worker),
      parser_(worker.request_scratch()) {
  session_.is_unix = kind == ListenerKind::kUnix;
  session_.is_tls = kind == ListenerKind::kTls;
  session_.created_us = worker.reactor().turn_us();
  session_.last_active_us = session_.stranger_since_us = session_.created_us;
}

Client::~Client() { DropLargeArguments(); }

std::string Client::PeerAddress() const {
  return session_.is_unix ? worker_.server().config().unixsocket + ":0" : ShowPeer(fd());
}

std::string Client::LocalAddress() const {
  return session_.is_unix ? worker_.server().config().unixsocket + ":0" : ShowLocal(fd());
}

bool Client::IsLocal() const {
  if (session_.is_unix) return true;
  const std::optional<IpAddress> peer = PeerIp(fd());
  return peer && peer->IsLoopback();
}

void Client::StartJob(std::unique_ptr<ClientJob> job) {
  PEAL_CHECK(job_ == nullptr);
  job_ = std::move(job);
  PauseReading(Pause::kJob);
  worker_.AddJob(*this);
}

size_t Client::MemoryBytes() const {
  size_t bytes = sizeof(Client) + input_capacity() + parser_.partial_bytes() +
                 output().OwnedBytes() + output().bytes() + transport().MemoryBytes();
  for (const Space space : {Space::kChannel, Space::kPattern, Space::kShard}) {
    bytes += subscriptions(space).MemoryBytes();
  }
  if (large_) bytes += large_->Bytes();
  if (session_.multi) bytes += session_.multi->MemoryBytes();
  if (session_.tracker != nullptr) bytes += sizeof(Tracker) + session_.tracker->prefix_bytes;
  return bytes;
}

void Client::UpdateClass() {
  const ClientClass wanted =
      IsSubscribed() || session_.is_monitor ? ClientClass::kPubSub : ClientClass::kNormal;
  if (wanted == client_class() || session_.is_doomed) return;  // see Worker::CountOut
  set_client_class(wanted);
  worker_.CountPubSubClient(wanted == ClientClass::kPubSub ? 1 : -1);
}

std::span<char> Client::OnInput(std::span<char> input) { return worker_.HandleInput(*this, input); }

void Client::AdoptLargeBulk(std::span<char> input) {
  const protocol::LargeBulk* bulk = parser_.large_bulk();
  if (bulk == nullptr || bulk->is_adopted || bulk->total_bytes > kLargestBlock) return;
  // A published message can be sent from the very block it is read into, if its head fits in front.
  const auto args = parser_.PartialArgs(input);
  const uint32_t headroom =
      kHeadroom + (bulk->arg_index == 2
                       ? static_cast<uint32_t>(std::min<size_t>(args[1].size(), 64 * 1024))
                       : 0);
  if (!large_) large_ = std::make_unique<LargeArguments>();
  // Differs: Redis bounds each argument by client-query-buffer-limit, but not their sum.
  const uint64_t most_together = std::max<uint64_t>(InputLimit(), kLargestBlock / 2);
  if (bulk->total_bytes > InputLimit() || large_->Bytes() + bulk->total_bytes > most_together) {
    OnInputLimit();
    return Close();
  }
  Buffer* block = Buffer::New(static_cast<uint32_t>(headroom + bulk->total_bytes + 2));
  large_->blocks.push_back({block, headroom, bulk->total_bytes});
  parser_.AdoptLargeBulk(block->data() + headroom);
}

void Client::DropLargeArguments() {
  if (!large_) return;
  for (const auto& block : large_->blocks) block.buffer->Release();
  large_.reset();
}

Buffer* Client::BlockOf(std::string_view bytes, uint32_t* offset) {
  if (!large_) return nullptr;
  for (const auto& block : large_->blocks) {
    if (block.buffer->data() + block.offset == bytes.data()) {
      *offset = block.offset;
      return block.buffer;
    }
  }
  return nullptr;
}

std::span<char> Client::DirectInput() {
  const protocol::LargeBulk* bulk = parser_.large_bulk();
  if (bulk == nullptr || !bulk->is_adopted || bulk->missing_bytes() == 0) return {};
  const auto& block = large_->blocks.back();
  return {block.buffer->data() + block.offset + bulk->filled_bytes, bulk->missing_bytes()};
}

void Client::OnDirectInput(size_t bytes) { parser_.LargeBulkFilled(bytes); }

size_t Client::InputLimit() const {
  if (MustLogIn(worker_.server(), *this)) return size_t{256} * 1024;
  return std::min<uint64_t>(worker_.server().config().client_query_buffer_limit, kLargestBlock);
}

void Client::OnInputLimit() {
  static RateLimitedLog limited(LogLevel::kWarning, 10);
  limited.Write(
      "closing client id={} addr={} name={}: its unfinished request passed {} bytes"
      " (client-query-buffer-limit)",
      id(), PeerAddress(), session_.name(), InputLimit());
  ++worker_.stats().counters().input_limit_closes;
}

void Client::OnOutputLimit(bool hard) {
  static RateLimitedLog limited(LogLevel::kWarning, 20);
  limited.Write(
      "client id={} addr={} name={} sub={} psub={} ssub={} scheduled to be closed ASAP for "
      "overcoming of "
      "output buffer limits: {} bytes unsent, {} limit of class {}",
      id(), PeerAddress(), session_.name(), subscriptions(Space::kChannel).size(),
      subscriptions(Space::kPattern).size(), subscriptions(Space::kShard).size(), output().bytes(),
      hard ? "hard" : "soft", client_class() == ClientClass::kPubSub ? "pubsub" : "normal");
  ++worker_.stats().counters().output_limit_closes;
}

void Client::OnReady() { worker_.AuthenticateByCertificate(*this); }

void Client::OnClosed() {
  job_.reset();
  worker_.blocked().Cancel(*this);
  session_.multi.reset();
  DropLargeArguments();
  worker_.Forget(*this);
}

}  // namespace peal::broker
