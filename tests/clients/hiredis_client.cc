// hiredis: synchronous calls, pipelines, subscriptions, and its reader on what the server sends.
// Needs $PEAL_PORT. Prints a PASS line for each part and ends with 1 at the first failure.

#include <hiredis/hiredis.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

namespace {

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Context = std::unique_ptr<redisContext, FreeContext>;
using ReplyPtr = std::unique_ptr<redisReply, FreeReply>;

void Check(bool condition, const char* what) {
  if (condition) return;
  std::printf("FAIL hiredis: %s\n", what);
  std::exit(1);
}

Context Connect() {
  const char* port = std::getenv("PEAL_PORT");
  const timeval patience{40, 0};
  Context context(
      redisConnectWithTimeout("127.0.0.1", port == nullptr ? 6379 : std::atoi(port), patience));
  Check(context != nullptr && context->err == 0, "connecting");
  Check(redisSetTimeout(context.get(), patience) == REDIS_OK, "setting the timeout");
  return context;
}

template <typename... Args>
ReplyPtr Call(const Context& context, const char* format, Args... args) {
  ReplyPtr reply(static_cast<redisReply*>(redisCommand(context.get(), format, args...)));
  Check(reply != nullptr, format);
  return reply;
}

ReplyPtr Next(const Context& context) {
  void* reply = nullptr;
  Check(redisGetReply(context.get(), &reply) == REDIS_OK, "reading a reply");
  return ReplyPtr(static_cast<redisReply*>(reply));
}

std::string Text(const redisReply* reply) { return {reply->str, reply->len}; }

bool IsFrame(const ReplyPtr& reply, const char* kind, const std::string& channel,
             const std::string& payload) {
  return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 &&
         Text(reply->element[0]) == kind && Text(reply->element[1]) == channel &&
         Text(reply->element[2]) == payload;
}

void Strings() {
  const Context context = Connect();
  const std::string binary("a\0b\r\n\xff", 6);
  Check(Text(Call(context, "SET %s %b", "k", binary.data(), binary.size()).get()) == "OK", "SET");
  Check(Text(Call(context, "GET k").get()) == binary, "GET returns every octet");
  Check(Call(context, "GET missing")->type == REDIS_REPLY_NIL, "null");
  Check(Call(context, "INCR k")->type == REDIS_REPLY_ERROR, "an error keeps the connection");
  Check(Call(context, "DEL k")->integer == 1, "DEL");
  std::puts("PASS hiredis: strings");
}

void Pipelines() {
  const Context context = Connect();
  for (int i = 0; i < 5000; ++i) redisAppendCommand(context.get(), "ECHO %d", i);
  for (int i = 0; i < 5000; ++i) {
    Check(Text(Next(context).get()) == std::to_string(i), "pipelined replies come in order");
  }
  std::puts("PASS hiredis: pipelines");
}

void Subscriptions() {
  const Context subscriber = Connect();
  const Context publisher = Connect();
  Check(Call(subscriber, "SUBSCRIBE a b")->element[2]->integer == 1, "first acknowledgement");
  Check(Next(subscriber)->element[2]->integer == 2, "second acknowledgement");
  Check(Call(subscriber, "SSUBSCRIBE s")->element[2]->integer == 1, "sharded acknowledgement");
  for (int i = 0; i < 1000; ++i) {
    Check(Call(publisher, "PUBLISH %s %d", i % 2 == 0 ? "a" : "b", i)->integer == 1, "PUBLISH");
  }
  for (int i = 0; i < 1000; ++i) {
    Check(IsFrame(Next(subscriber), "message", i % 2 == 0 ? "a" : "b", std::to_string(i)),
          "messages come in order");
  }
  Check(Call(publisher, "SPUBLISH s x")->integer == 1, "SPUBLISH");
  Check(IsFrame(Next(subscriber), "smessage", "s", "x"), "sharded message");
  std::puts("PASS hiredis: subscriptions");
}

void Patterns() {
  const Context subscriber = Connect();
  const Context publisher = Connect();
  Call(subscriber, "PSUBSCRIBE news.*");
  const std::string payload(300'000, 'x');
  Check(Call(publisher, "PUBLISH news.golf %b", payload.data(), payload.size())->integer == 1,
        "PUBLISH of a large payload");
  const ReplyPtr frame = Next(subscriber);
  Check(frame->elements == 4 && Text(frame->element[1]) == "news.*" &&
            Text(frame->element[2]) == "news.golf" && Text(frame->element[3]) == payload,
        "pattern message");
  std::puts("PASS hiredis: patterns");
}

void Reconnecting() {
  const Context subscriber = Connect();
  const Context killer = Connect();
  Call(subscriber, "SUBSCRIBE again");
  Check(Call(killer, "CLIENT KILL TYPE pubsub")->integer >= 1, "CLIENT KILL");
  void* reply = nullptr;
  Check(redisGetReply(subscriber.get(), &reply) == REDIS_ERR, "the killed connection ends");
  Check(redisReconnect(subscriber.get()) == REDIS_OK, "reconnecting");
  Call(subscriber, "SUBSCRIBE again");
  Check(Call(killer, "PUBLISH again back")->integer == 1, "PUBLISH to the new connection");
  Check(IsFrame(Next(subscriber), "message", "again", "back"), "message on the new connection");
  std::puts("PASS hiredis: reconnecting");
}

}  // namespace

int main() {
  Strings();
  Pipelines();
  Subscriptions();
  Patterns();
  Reconnecting();
  return 0;
}
