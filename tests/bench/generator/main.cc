// The load generator: one thread, one scenario against one server, one JSON object on standard
// output. tests/bench/compare.py starts the servers and calls it; docs/benchmarks.md explains the
// figures.
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>

#include "client.h"
#include "row.h"
#include "scenarios.h"

namespace peal::bench {
namespace {

constexpr char kUsage[] =
    "usage: peal-loadgen --port P --pid SERVER_PID --scenario NAME [--proto resp|nats]\n"
    "       [--host H] [--seconds S] [--warm S] [--cpu N] [--quick] [--spin] [--tls]";

// "10k" is 10,000 and "1M" 1,000,000. 0 if it is no number.
uint32_t Scaled(std::string_view text) {
  char* end;
  const std::string copy(text);
  const unsigned long number = std::strtoul(copy.c_str(), &end, 10);
  return uint32_t(*end == 'k' ? number * 1000 : *end == 'M' ? number * 1'000'000 : number);
}

bool RunPatternsNamed(std::string_view rest) {  // "<count>" or "<kind>-<count>"
  const size_t dash = rest.rfind('-');
  const uint32_t count = Scaled(dash == std::string_view::npos ? rest : rest.substr(dash + 1));
  if (count == 0) return false;
  if (dash != std::string_view::npos) return RunPatternKind(rest.substr(0, dash), count);
  RunPatterns(count);
  return true;
}

bool RunFanoutNamed(std::string_view rest) {
  const uint32_t count = Scaled(rest);
  if (count > 0) RunFanout(count);
  return count > 0;
}

bool RunNamed(std::string_view name) {
  const struct {
    std::string_view name;
    void (*run)();
  } fixed[] = {
      {"channels-many", RunManyChannels},
      {"subscribe-churn", RunChurn},
      {"idle-subscribers", RunIdleSubscribers},
      {"subscription-memory", [] { RunSubscriptionMemory(false); }},
      {"subscription-memory-patterns", [] { RunSubscriptionMemory(true); }},
      {"dying-subscriber", RunDyingSubscriber},
      {"latency", RunLatency},
      {"tls-storm", RunTlsStorm},
      {"slow-consumer", RunSlowConsumer},
      {"slow-consumer-many", RunManySlowConsumers},
      {"get", [] { RunKeys(KeyOperation::kGet); }},
      {"set", [] { RunKeys(KeyOperation::kSet); }},
      {"mixed", [] { RunKeys(KeyOperation::kMixed); }},
      {"commands", RunCommands},
      {"scripts", RunScripts},
      {"transactions", RunTransactions},
      {"growth", RunGrowth},
      {"hit-ratio", RunHitRatio},
      {"memory-per-key", [] { RunMemoryPerKey(false); }},
      {"memory-per-key-ttl", [] { RunMemoryPerKey(true); }},
  };
  for (const auto& scenario : fixed) {
    if (scenario.name != name) continue;
    scenario.run();
    return true;
  }
  constexpr std::string_view kFanout = "fanout-", kPatterns = "patterns-";
  constexpr std::string_view kSmall = "memory-small-", kLarge = "memory-large-";
  if (name.starts_with(kFanout)) return RunFanoutNamed(name.substr(kFanout.size()));
  if (name.starts_with(kPatterns)) return RunPatternsNamed(name.substr(kPatterns.size()));
  if (name.starts_with(kSmall)) return RunCollectionMemory(name.substr(kSmall.size()), false);
  if (name.starts_with(kLarge)) return RunCollectionMemory(name.substr(kLarge.size()), true);
  return false;
}

void PinTo(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

void ParseArguments(int count, char** values) {
  for (int i = 1; i < count; ++i) {
    const std::string_view name = values[i];
    const auto value = [&] {
      if (++i >= count) Die("%s needs a value\n%s", values[i - 1], kUsage);
      return values[i];
    };
    if (name == "--host")
      g_options.host = value();
    else if (name == "--port")
      g_options.port = std::atoi(value());
    else if (name == "--pid")
      g_options.server_pid = std::atoi(value());
    else if (name == "--scenario")
      g_options.scenario = value();
    else if (name == "--seconds")
      g_options.window_s = std::atof(value());
    else if (name == "--warm")
      g_options.warm_up_s = std::atof(value());
    else if (name == "--cpu")
      PinTo(std::atoi(value()));
    else if (name == "--quick")
      g_options.quick = true;
    else if (name == "--tls")
      g_options.tls = true;
    else if (name == "--spin")
      g_options.spin = true;
    else if (name == "--proto")
      g_options.protocol = value() == std::string_view("nats") ? Protocol::kNats : Protocol::kResp;
    else
      Die("%s", kUsage);
  }
  if (!g_options.port || !g_options.server_pid || g_options.scenario.empty()) Die("%s", kUsage);
}

}  // namespace
}  // namespace peal::bench

int main(int argc, char** argv) {
  using namespace peal::bench;
  std::signal(SIGPIPE, SIG_IGN);
  ParseArguments(argc, argv);
  rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  OpenLoop();
  if (!RunNamed(g_options.scenario)) Die("unknown scenario %s", g_options.scenario.c_str());
  PrintRows(g_options.scenario);
  _exit(0);  // thousands of sockets need no orderly goodbye
}
