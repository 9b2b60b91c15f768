#include "tests/stress/concurrent.h"

#include <stdexcept>

namespace peal::tests {

Tally& Tally::operator+=(const Tally& other) {
  for (const auto& [name, count] : other.put_) put_[name] += count;
  for (const auto& [name, count] : other.taken_) taken_[name] += count;
  return *this;
}

std::string Tally::Differences() const {
  std::string out;
  for (const auto& [name, count] : put_) {
    if (count != 1) out += name + " was put " + std::to_string(count) + " times\n";
    if (taken_.count(name) == 0) out += name + " was lost\n";
  }
  for (const auto& [name, count] : taken_) {
    if (count != 1) out += name + " was taken " + std::to_string(count) + " times\n";
    if (put_.count(name) == 0) out += name + " came from nowhere\n";
  }
  return out;
}

int FirstOutOfOrder(const std::vector<int64_t>& numbers) {
  for (size_t i = 1; i < numbers.size(); ++i) {
    if (numbers[i] <= numbers[i - 1]) return static_cast<int>(i);
  }
  return -1;
}

int64_t SumOf(const Reply& reply) {
  switch (reply.kind) {
    case Reply::Kind::kInteger:
      return reply.integer;
    case Reply::Kind::kDouble:
    case Reply::Kind::kBulk: {
      size_t used = 0;
      const int64_t number = std::stoll(reply.text, &used);
      if (used != reply.text.size()) throw std::runtime_error("not a number: " + reply.Show());
      return number;
    }
    case Reply::Kind::kNull:
      return 0;
    case Reply::Kind::kArray: {
      int64_t sum = 0;
      for (const Reply& item : reply.items) sum += SumOf(item);
      return sum;
    }
    default:
      throw std::runtime_error("nothing to add up: " + reply.Show());
  }
}

void Concurrent::SetUp() {
  Behaviour::SetUp();
  seed_ = Seed();
}

void Concurrent::TearDown() {
  if (!HasServer()) return;
  Join();
  // Connections that a test has closed are gone when the server notices.
  EXPECT_TRUE(Eventually([this] { return BlockedClients() == 0; }));
  if (IsReference()) return;
  EXPECT_EQ(ConnectResp2().Do("DEBUG PEAL-CHECK"), "OK");
}

void Concurrent::Start(const std::function<void(Client& client, Random& random)>& body) {
  threads_.emplace_back([this, body, seed = seed_++] {
    try {
      Client client = Connect();
      Random random(seed);
      may_go_.wait(false);
      body(client, random);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
      SetOver();
    }
  });
}

void Concurrent::Join() {
  may_go_ = true;
  may_go_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Concurrent::AwaitBlocked(int64_t count) {
  EXPECT_TRUE(Eventually([&] { return BlockedClients() == count; }))
      << BlockedClients() << " are blocked, not " << count;
}

std::vector<Setup> ConcurrentSetups() {
  return {{1, 1, 2}, {1, kManyStripes, 3}, {kManyReactors, 1, 3}, {kManyReactors, kManyStripes, 2}};
}

}  // namespace peal::tests
