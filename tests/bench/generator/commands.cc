// What does each command cost? The commands of redis-benchmark and some more, with values and
// members of 16 bytes.
#include <vector>

#include "request_load.h"
#include "scenarios.h"
#include "wire.h"

namespace peal::bench {
namespace {

constexpr uint32_t kKeys = 100'000;
constexpr uint32_t kPerRequest = 100;  // elements of one request that fills a collection

// "field:" and ten digits: sixteen bytes.
std::string Name(uint32_t number) { return Format("field:%010u", number); }
std::string Key(const char* kind, uint32_t number) { return Format("%s:%08u", kind, number); }

// Fills `key` with `count` elements by `command`. Members are the names of 0, 1, ...; a sorted set
// gets scores, a hash values.
void Fill(RequestLoad& load, std::string_view command, std::string_view key, uint32_t count) {
  const bool has_score = command == "ZADD", has_value = command == "HSET";
  load.Run(count / kPerRequest, [&](std::string& out, Connection&, uint64_t number) {
    std::vector<std::string> words = {std::string(command), std::string(key)};
    for (uint32_t i = 0; i < kPerRequest; ++i) {
      const auto element = uint32_t(number * kPerRequest + i);
      if (has_score) words.push_back(std::to_string(Random(1u << 30)));
      words.push_back(Name(element));
      if (has_value) words.push_back(Name(element));
    }
    AppendWords(out, words);
    return 1;
  });
}

struct Case {
  const char* name;
  void (*prepare)(RequestLoad&, uint32_t much);
  void (*append)(std::string& out, Connection&);
};

// `much` elements are more than a window takes away.
const Case kCases[] = {
    {"PING (inline)", nullptr, [](std::string& out, Connection&) { out += "PING\r\n"; }},
    {"PING", nullptr, [](std::string& out, Connection&) { AppendCommand(out, {"PING"}); }},
    {"SET", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"SET", Key("string", Random(kKeys)), "sixteen bytes..."});
     }},
    {"GET",
     [](RequestLoad& load, uint32_t) {
       load.Run(kKeys, [](std::string& out, Connection&, uint64_t number) {
         AppendCommand(out, {"SET", Key("string", uint32_t(number)), "sixteen bytes..."});
         return 1;
       });
     },
     [](std::string& out, Connection&) {
       AppendCommand(out, {"GET", Key("string", Random(kKeys))});
     }},
    {"INCR", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"INCR", Key("counter", Random(kKeys))});
     }},
    {"MSET 10", nullptr,
     [](std::string& out, Connection&) {
       std::vector<std::string> words = {"MSET"};
       for (int i = 0; i < 10; ++i) {
         words.push_back(Key("string", Random(kKeys)));
         words.emplace_back("sixteen bytes...");
       }
       AppendWords(out, words);
     }},
    {"MGET 10", nullptr,
     [](std::string& out, Connection&) {
       std::vector<std::string> words = {"MGET"};
       for (int i = 0; i < 10; ++i) words.push_back(Key("string", Random(kKeys)));
       AppendWords(out, words);
     }},
    {"LPUSH", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"LPUSH", "list", "sixteen bytes..."});
     }},
    {"RPUSH", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"RPUSH", "list", "sixteen bytes..."});
     }},
    {"LPOP", [](RequestLoad& load, uint32_t much) { Fill(load, "RPUSH", "list", much); },
     [](std::string& out, Connection&) { AppendCommand(out, {"LPOP", "list"}); }},
    {"RPOP", [](RequestLoad& load, uint32_t much) { Fill(load, "RPUSH", "list", much); },
     [](std::string& out, Connection&) { AppendCommand(out, {"RPOP", "list"}); }},
    {"LRANGE 100", [](RequestLoad& load, uint32_t) { Fill(load, "RPUSH", "list:1000", 1000); },
     [](std::string& out, Connection&) { AppendCommand(out, {"LRANGE", "list:1000", "0", "99"}); }},
    {"LRANGE 600", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"LRANGE", "list:1000", "0", "599"});
     }},
    {"HSET small", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(
           out, {"HSET", Key("hash", Random(kKeys / 10)), Name(Random(20)), "sixteen bytes..."});
     }},
    {"HGET small", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"HGET", Key("hash", Random(kKeys / 10)), Name(Random(20))});
     }},
    {"HSET large", [](RequestLoad& load, uint32_t) { Fill(load, "HSET", "hash", kKeys); },
     [](std::string& out, Connection&) {
       AppendCommand(out, {"HSET", "hash", Name(Random(kKeys)), "sixteen bytes..."});
     }},
    {"HGET large", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"HGET", "hash", Name(Random(kKeys))});
     }},
    {"SADD", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"SADD", "set", Name(Random(kKeys))});
     }},
    {"SISMEMBER", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"SISMEMBER", "set", Name(Random(kKeys))});
     }},
    {"SPOP", [](RequestLoad& load, uint32_t much) { Fill(load, "SADD", "set:pop", much); },
     [](std::string& out, Connection&) { AppendCommand(out, {"SPOP", "set:pop"}); }},
    {"ZADD", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"ZADD", "zset", std::to_string(Random(1u << 30)), Name(Random(kKeys))});
     }},
    {"ZSCORE", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"ZSCORE", "zset", Name(Random(kKeys))});
     }},
    {"ZRANGE 100", [](RequestLoad& load, uint32_t) { Fill(load, "ZADD", "zset:range", kKeys); },
     [](std::string& out, Connection&) {
       const uint32_t first = Random(kKeys - 100);
       AppendCommand(out,
                     {"ZRANGE", "zset:range", std::to_string(first), std::to_string(first + 99)});
     }},
    {"ZRANK", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"ZRANK", "zset:range", Name(Random(kKeys))});
     }},
    {"ZPOPMIN", [](RequestLoad& load, uint32_t much) { Fill(load, "ZADD", "zset:pop", much); },
     [](std::string& out, Connection&) { AppendCommand(out, {"ZPOPMIN", "zset:pop"}); }},
    {"XADD", nullptr,
     [](std::string& out, Connection&) {
       AppendCommand(out, {"XADD", "stream", "*", "field", "sixteen bytes..."});
     }},
    {"XREADGROUP",
     [](RequestLoad& load, uint32_t much) {
       load.Run(much, [](std::string& out, Connection&, uint64_t) {
         AppendCommand(out, {"XADD", "stream:group", "*", "field", "sixteen bytes..."});
         return 1;
       });
       load.Ask({"XGROUP", "CREATE", "stream:group", "group", "0"});
     },
     [](std::string& out, Connection& connection) {
       AppendCommand(out, {"XREADGROUP", "GROUP", "group", Format("consumer%u", connection.id),
                           "COUNT", "1", "STREAMS", "stream:group", ">"});
     }},
};

}  // namespace

void RunCommands() {
  RequestLoad load(50);
  const uint32_t much = uint32_t((g_options.window_s + g_options.warm_up_s) * 2e6) + 100'000;
  for (const Case& each : kCases) {
    if (each.prepare != nullptr) each.prepare(load, much);
    // ZSCORE and HGET small may ask for what no request has put there.
    const std::string_view name = each.name;
    const bool nulls_are_misses =
        name.find("POP") != std::string_view::npos || name == "GET" || name == "XREADGROUP";
    load.Measure(
        std::string(name) + " p16", 16,
        [&](std::string& out, Connection& connection, uint64_t) {
          each.append(out, connection);
          return 1;
        },
        nulls_are_misses);
  }
}

void RunTransactions() {
  RequestLoad load(50);
  load.Run(kKeys, [](std::string& out, Connection&, uint64_t number) {
    AppendCommand(out, {"SET", Key("string", uint32_t(number)), "sixteen bytes..."});
    return 1;
  });
  load.Measure("90-get-set-10-multi p16", 16,
               [](std::string& out, Connection&, uint64_t) -> uint32_t {
                 const std::string key = Key("string", Random(kKeys));
                 const uint32_t choice = Random(10);
                 if (choice == 0) {
                   AppendCommand(out, {"MULTI"});
                   AppendCommand(out, {"SET", key, "sixteen bytes..."});
                   AppendCommand(out, {"GET", Key("string", Random(kKeys))});
                   AppendCommand(out, {"EXEC"});
                   return 4;
                 }
                 if (choice < 3)
                   AppendCommand(out, {"SET", key, "sixteen bytes..."});
                 else
                   AppendCommand(out, {"GET", key});
                 return 1;
               });
}

void RunScripts() {
  RequestLoad load(50);
  load.Run(kKeys, [](std::string& out, Connection&, uint64_t number) {
    AppendCommand(out, {"SET", Key("string", uint32_t(number)), "sixteen bytes..."});
    return 1;
  });
  const std::string digest =
      load.Ask({"SCRIPT", "LOAD",
                "local old = redis.call('GET', KEYS[1]) redis.call('SET', KEYS[1], ARGV[1]) "
                "return old"})
          .text;
  for (const uint32_t depth : {1u, 16u}) {
    load.Measure(Format("EVALSHA get-set p%u", depth), depth,
                 [&digest](std::string& out, Connection&, uint64_t) {
                   AppendCommand(out, {"EVALSHA", digest, "1", Key("string", Random(kKeys)),
                                       "sixteen bytes..."});
                   return 1;
                 });
  }
}

}  // namespace peal::bench
