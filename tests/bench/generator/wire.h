// The two protocols: frames out, frames in. The parsers know only what the scenarios cause.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "client.h"

namespace peal::bench {

/// Each consumes the whole frames of [begin, end), hands them to the handler, and returns the
/// first byte not consumed.
const char* ParseResp(Connection& connection, const char* begin, const char* end);
const char* ParseNats(Connection& connection, const char* begin, const char* end);

void AppendBulk(std::string& out, std::string_view bytes);
void AppendCommand(std::string& out, std::initializer_list<std::string_view> words);
void AppendWords(std::string& out, std::span<const std::string> words);
void AppendNatsHello(std::string& out);

/// In the protocol of the server under test. `id` is NATS' subscription id, unique in the
/// connection; RESP does not need it.
void AppendPublish(std::string& out, std::string_view channel, std::string_view payload);
void AppendSubscribe(std::string& out, std::string_view name, uint32_t id, bool is_pattern);
void AppendUnsubscribe(std::string& out, std::string_view name, uint32_t id);
void AppendPing(std::string& out);

}  // namespace peal::bench
