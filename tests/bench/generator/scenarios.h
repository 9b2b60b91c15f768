// The scenarios. Names and figures are those of docs/benchmarks.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace peal::bench {

/// N subscribers of one channel; 64 B, 1 KiB and 16 KiB, depth 1 and 16.
void RunFanout(uint32_t subscribers);
/// 10,000 channels with one subscription each over 100 connections.
void RunManyChannels();

/// `count` patterns over 10 connections, plain and mixed; one match and none.
void RunPatterns(uint32_t count);
/// The same for one kind of pattern. False if there is no such kind.
bool RunPatternKind(std::string_view kind, uint32_t count);

/// SUBSCRIBE and UNSUBSCRIBE pipelined; connect, subscribe, close.
void RunChurn();

/// As many subscribers as there are file descriptors (20,000 at most): memory, one broadcast.
void RunIdleSubscribers();
/// A million subscriptions over ten connections: memory, cost, and the stall when all ten close.
void RunSubscriptionMemory(bool patterns);
/// One client with a million subscriptions dies: the longest stall of others, the memory after 10
/// s.
void RunDyingSubscriber();

/// 100 subscribers, 1,000 publishes a second on a fixed schedule.
void RunLatency();
/// 10,000 TLS connections; then 2,000 handshakes at once beside 100 subscribers and 500 publishes a
/// second on a schedule.
void RunTlsStorm();
/// 100 subscribers, 300 publishes of 16 KiB a second; one of them stops reading.
void RunSlowConsumer();
/// As many subscribers as there are file descriptors; 50 more stop reading a busy channel.
void RunManySlowConsumers();

enum class KeyOperation { kGet, kSet, kMixed };
/// 50 connections, a million keys; 64 B and 1 KiB, depth 1 and 16, and 20,000 requests a second.
void RunKeys(KeyOperation operation);
/// A million and five million keys of 16 bytes with values of 32: memory each.
void RunMemoryPerKey(bool with_ttl);

/// The commands of redis-benchmark and more, depth 16.
void RunCommands();
/// 70 % GET, 20 % SET, 10 % MULTI with both.
void RunTransactions();
/// EVALSHA of a script with one GET and one SET of its key, depth 1 and 16.
void RunScripts();
/// Two million elements of 16 bytes in one collection, or fifty in each: memory each. False if
/// there is no such type.
bool RunCollectionMemory(std::string_view type, bool is_large);
/// Millions of keys and elements come, expire and go: the longest stall of a bystander.
void RunGrowth();
/// What share of a zipf trace is found under a quarter of the memory.
void RunHitRatio();

}  // namespace peal::bench
