// Prints every message of the channels and patterns it is given.
//
//   subscriber NAME...
//
// A name that holds '*', '?' or '[' is a pattern. Compile it with
//   g++ -std=c++20 subscriber.cc -lhiredis -o subscriber

#include <hiredis/hiredis.h>

#include <cstdlib>
#include <iostream>
#include <memory>
#include <string_view>

namespace {

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

std::string_view Text(const redisReply* reply) {
  return reply->str == nullptr ? std::string_view() : std::string_view(reply->str, reply->len);
}

/// The next thing the server says; null when the connection has ended.
std::unique_ptr<redisReply, FreeReply> Next(redisContext* context) {
  void* reply = nullptr;
  if (redisGetReply(context, &reply) != REDIS_OK) return nullptr;
  return std::unique_ptr<redisReply, FreeReply>(static_cast<redisReply*>(reply));
}

/// Prints a frame: [message, channel, payload], [pmessage, pattern, channel, payload] or an
/// acknowledgement [subscribe or psubscribe, name, count].
void Print(const redisReply& frame) {
  if (frame.type == REDIS_REPLY_ERROR) {
    std::cout << "error: " << Text(&frame) << std::endl;
    return;
  }
  if (frame.elements < 3) return;
  const std::string_view kind = Text(frame.element[0]);
  if (kind == "message") {
    std::cout << Text(frame.element[1]) << ": " << Text(frame.element[2]) << std::endl;
  } else if (kind == "pmessage" && frame.elements == 4) {
    std::cout << Text(frame.element[2]) << ": " << Text(frame.element[3]) << "  (by "
              << Text(frame.element[1]) << ')' << std::endl;
  } else {
    std::cout << "listening to " << Text(frame.element[1]) << std::endl;
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: subscriber NAME...\n";
    return 2;
  }
  const char* port = std::getenv("PEAL_PORT");
  const std::unique_ptr<redisContext, FreeContext> context(
      redisConnect("127.0.0.1", port == nullptr ? 6379 : std::atoi(port)));
  if (context == nullptr || context->err != 0) {
    std::cerr << "cannot connect: " << (context == nullptr ? "no memory" : context->errstr) << '\n';
    return 1;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const bool is_pattern = name.find_first_of("*?[") != std::string_view::npos;
    redisAppendCommand(context.get(), "%s %b", is_pattern ? "PSUBSCRIBE" : "SUBSCRIBE", name.data(),
                       name.size());
  }
  while (const auto frame = Next(context.get())) Print(*frame);
  std::cerr << "the connection ended: " << context->errstr << '\n';
  return 1;
}
