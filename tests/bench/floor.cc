// How cheap can a fan-out be on this kernel? A "server" that knows nothing but message boundaries.
//
// A connection whose first bytes are a SUBSCRIBE command is a subscriber; any other is a publisher,
// whose PUBLISH frames all have the length of its first. A RESP PUBLISH frame and the "message"
// frame for it are equally long, so the bytes go out as they came with seven of them changed: no
// copy for a subscriber, no lookup. The generator drives it unchanged (scenarios fanout-N).
//
//   --mode write         one send() for each message and subscriber
//   --mode round         one send() for each subscriber and turn of the loop, for all that came in
//   it
//   --mode uring-round   likewise, with all sends in one io_uring_enter()
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifdef PEAL_WITH_URING
#include <liburing.h>
#endif

namespace {

constexpr size_t kFramesAtOnce = 16;
constexpr std::string_view kAck = "*3\r\n$9\r\nsubscribe\r\n$5\r\nbench\r\n:1\r\n";

struct Client {
  int fd;
  bool is_subscriber = false;
  size_t frame_bytes = 0;  // of a publisher
  size_t filled = 0;
  std::vector<char> buffer = std::vector<char>(1024);
};

void SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0) {
      bytes.remove_prefix(size_t(count));
      continue;
    }
    if (errno != EAGAIN) return;
    pollfd writable{fd, POLLOUT, 0};
    poll(&writable, 1, 1000);
  }
}

class Floor {
 public:
  Floor(int port, const std::string& mode) : in_rounds_(mode != "write") {
    if (mode == "uring-round") OpenRing();
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int one = 1;
    setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(uint16_t(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) ||
        listen(listener_, 4096)) {
      std::perror("floor: listen");
      std::exit(1);
    }
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    Watch(listener_, nullptr);
  }

  [[noreturn]] void Run() {
    std::array<epoll_event, 256> events;
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), int(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        if (events[size_t(i)].data.ptr == nullptr)
          Accept();
        else
          Read(static_cast<Client*>(events[size_t(i)].data.ptr));
      }
      FinishRound();
    }
  }

 private:
  void Watch(int fd, Client* client) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = client;
    epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void Accept() {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    Watch(fd, new Client{.fd = fd});
  }

  void Drop(Client* client) {
    std::erase(subscribers_, client->fd);
    close(client->fd);
    delete client;
  }

  void Read(Client* client) {
    std::vector<char>& buffer = client->buffer;
    const ssize_t count = recv(client->fd, buffer.data() + client->filled,
                               buffer.size() - client->filled, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return Drop(client);
    client->filled += size_t(count);
    const std::string_view input(buffer.data(), client->filled);
    if (input.size() > 20 && input.substr(8, 9) == "SUBSCRIBE" && !client->is_subscriber) {
      client->is_subscriber = true;
      subscribers_.push_back(client->fd);
      SendAll(client->fd, kAck);
    }
    if (client->is_subscriber) {
      client->filled = 0;
      return;
    }
    if (FindFrame(client, input)) Deliver(client);
  }

  // "*3 $7 PUBLISH $5 bench $<length> <payload>"; the length may change from case to case.
  static bool FindFrame(Client* client, std::string_view input) {
    constexpr std::string_view kBeforeLength = "bench\r\n$";
    const size_t at = input.substr(0, 49).find(kBeforeLength);
    const size_t line =
        at == std::string_view::npos ? at : input.find('\n', at + kBeforeLength.size());
    if (line == std::string_view::npos) return false;
    const char* digits = input.data() + at + kBeforeLength.size();
    client->frame_bytes = line + 1 + size_t(std::atol(digits)) + 2;
    if (client->buffer.size() < client->frame_bytes * kFramesAtOnce)
      client->buffer.resize(client->frame_bytes * kFramesAtOnce);
    return true;
  }

  void Deliver(Client* client) {
    char* begin = client->buffer.data();
    const size_t size = client->frame_bytes;
    const size_t count = std::min(client->filled / size, kFramesAtOnce);
    if (count == 0) return;
    std::string replies;
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(begin + i * size + 8, "message", 7);
      replies += ":" + std::to_string(subscribers_.size()) + "\r\n";
    }
    if (in_rounds_) {
      round_.append(begin, count * size);
      replies_.emplace_back(client->fd, std::move(replies));
    } else {
      for (size_t i = 0; i < count; ++i)
        for (const int fd : subscribers_) SendAll(fd, {begin + i * size, size});
      SendAll(client->fd, replies);
    }
    client->filled -= count * size;
    std::memmove(begin, begin + count * size, client->filled);
  }

  void FinishRound() {
    if (round_.empty()) return;
    if (has_ring_)
      SendByRing();
    else
      for (const int fd : subscribers_) SendAll(fd, round_);
    round_.clear();
    for (const auto& [fd, reply] : replies_) SendAll(fd, reply);
    replies_.clear();
  }

#ifdef PEAL_WITH_URING
  void OpenRing() {
    io_uring_params parameters{};
    parameters.flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
    parameters.cq_entries = 4096;
    if (io_uring_queue_init_params(1024, &ring_, &parameters) < 0) {
      std::fputs("floor: this kernel gives no io_uring\n", stderr);
      std::exit(3);
    }
    has_ring_ = true;
  }

  void SendByRing() {
    for (size_t next = 0; next < subscribers_.size();) {
      unsigned left = 0;
      for (; next < subscribers_.size() && left < 1024; ++next, ++left) {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        io_uring_prep_send(entry, subscribers_[next], round_.data(), round_.size(),
                           MSG_NOSIGNAL | MSG_WAITALL);
        io_uring_sqe_set_data64(entry, uint64_t(subscribers_[next]));
      }
      // Every send must have ended before the buffer is used again.
      for (io_uring_submit_and_wait(&ring_, left); left > 0; --left) {
        io_uring_cqe* done;
        if (io_uring_wait_cqe(&ring_, &done)) return;
        if (done->res >= 0 && size_t(done->res) < round_.size())
          SendAll(int(done->user_data), std::string_view(round_).substr(size_t(done->res)));
        io_uring_cqe_seen(&ring_, done);
      }
    }
  }

  io_uring ring_;
#else
  void OpenRing() {
    std::fputs("floor: built without io_uring\n", stderr);
    std::exit(3);
  }
  void SendByRing() {}
#endif

  const bool in_rounds_;
  bool has_ring_ = false;
  int listener_ = -1, epoll_ = -1;
  std::vector<int> subscribers_;
  std::string round_;
  std::vector<std::pair<int, std::string>> replies_;
};

}  // namespace

int main(int argc, char** argv) {
  int port = 0;
  std::string mode = "round";
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::string_view(argv[i]) == "--port") port = std::atoi(argv[i + 1]);
    if (std::string_view(argv[i]) == "--mode") mode = argv[i + 1];
  }
  Floor(port, mode).Run();
}
