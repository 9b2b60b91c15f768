#include "wire.h"

#include <cstring>

namespace peal::bench {
namespace {

// Reads "123\r\n" from `at`. Returns the byte after it, or nullptr if it is not all there.
const char* ReadNumber(const char* at, const char* end, int64_t& value) {
  const bool is_negative = at < end && *at == '-';
  if (is_negative) ++at;
  int64_t sum = 0;
  while (at < end && unsigned(*at - '0') < 10) sum = sum * 10 + (*at++ - '0');
  if (end - at < 2) return nullptr;
  value = is_negative ? -sum : sum;
  return at + 2;
}

const char* LineEnd(const char* at, const char* end) {
  return static_cast<const char*>(std::memchr(at, '\n', size_t(end - at)));
}

// Skips one bulk, integer, status or array of such. Returns the byte after it, nullptr if it is not
// all there, or `end` if it is malformed. `bulk`: what a bulk holds.
const char* SkipElement(const char* at, const char* end, std::string_view& bulk) {
  if (at >= end) return nullptr;
  const char type = *at;
  if (type == '+') {
    const char* line = LineEnd(at, end);
    return line == nullptr ? nullptr : line + 1;
  }
  if (type != '$' && type != ':' && type != '*') {
    CountMalformed({at, size_t(end - at)});
    return end;
  }
  int64_t number;
  const char* data = ReadNumber(at + 1, end, number);
  if (data == nullptr || type == ':' || number < 0) return data;
  if (type == '*') {
    std::string_view inner;
    for (int64_t i = 0; i < number && data != nullptr; ++i) data = SkipElement(data, end, inner);
    return data;
  }
  if (end - data < number + 2) return nullptr;
  if (data[number] != '\r' || data[number + 1] != '\n') CountMalformed("bulk without CRLF");
  bulk = {data, size_t(number)};
  return data + number + 2;
}

// One array or push. Returns the byte after it, nullptr if it is not all there, or `end` if it is
// malformed.
const char* ParseArray(Connection& connection, const char* begin, const char* end) {
  Handler& handler = *g_loop.handler;
  int64_t count;
  const char* at = ReadNumber(begin + 1, end, count);
  if (at == nullptr) return nullptr;
  std::string_view elements[4];
  std::string_view further;
  for (int64_t i = 0; i < count; ++i) {
    at = SkipElement(at, end, i < 4 ? elements[i] : further);
    if (at == nullptr) return nullptr;
  }
  if (count == 3 && elements[0] == "message")
    handler.OnMessage(connection, elements[2]);
  else if (count == 4 && elements[0] == "pmessage")
    handler.OnMessage(connection, elements[3]);
  else if (count == 3 && elements[0].ends_with("subscribe"))
    handler.OnAck(connection);
  else
    handler.OnReply(connection, '*', {}, count);
  return at;
}

}  // namespace

const char* ParseResp(Connection& connection, const char* begin, const char* end) {
  Handler& handler = *g_loop.handler;
  const char* at = begin;
  while (at < end) {
    const char* frame = at;
    int64_t number;
    switch (*frame) {
      case '*':
      case '>': {
        const char* next = ParseArray(connection, frame, end);
        if (next == nullptr) return frame;
        at = next;
        break;
      }
      case ':':
        at = ReadNumber(frame + 1, end, number);
        if (at == nullptr) return frame;
        handler.OnReply(connection, ':', {}, number);
        break;
      case '$': {
        const char* data = ReadNumber(frame + 1, end, number);
        if (data == nullptr) return frame;
        at = data;
        if (number >= 0) {
          if (end - data < number + 2) return frame;
          if (data[number] != '\r') CountMalformed("bulk without CRLF");
          at = data + number + 2;
        }
        handler.OnReply(connection, '$', {data, size_t(number < 0 ? 0 : number)}, number);
        break;
      }
      case '+':
      case '-': {
        const char* line = LineEnd(frame, end);
        if (line == nullptr) return frame;
        const std::string_view text(frame + 1, size_t(line - frame) - 2);
        if (*frame == '-') CountMalformed(text);
        at = line + 1;
        handler.OnReply(connection, *frame, text, 0);
        break;
      }
      default:
        CountMalformed({frame, size_t(end - frame)});
        return end;
    }
  }
  return at;
}

const char* ParseNats(Connection& connection, const char* begin, const char* end) {
  const char* at = begin;
  while (at < end) {
    const char* line = LineEnd(at, end);
    if (line == nullptr) return at;
    switch (*at) {
      case 'M': {  // MSG <subject> <id> <size>
        const char* digit = line - 1;
        int64_t size = 0, unit = 1;
        while (unsigned(digit[-1] - '0') < 10) size += (*--digit - '0') * unit, unit *= 10;
        if (end - (line + 1) < size + 2) return at;
        if (line[1 + size] != '\r' || line[2 + size] != '\n')
          CountMalformed("payload without CRLF");
        g_loop.handler->OnMessage(connection, {line + 1, size_t(size)});
        at = line + 1 + size + 2;
        continue;
      }
      case 'P':
        if (at[1] == 'O') {
          g_loop.handler->OnAck(connection);
        } else {
          connection.output += "PONG\r\n";
          Flush(connection);
        }
        break;
      case 'I':
      case '+':
        break;
      default:
        CountMalformed({at, size_t(line - at)});
    }
    at = line + 1;
  }
  return at;
}

void AppendBulk(std::string& out, std::string_view bytes) {
  out += '$';
  AppendNumber(out, bytes.size());
  out += "\r\n";
  out.append(bytes);
  out += "\r\n";
}

void AppendCommand(std::string& out, std::initializer_list<std::string_view> words) {
  out += '*';
  AppendNumber(out, words.size());
  out += "\r\n";
  for (const std::string_view word : words) AppendBulk(out, word);
}

void AppendWords(std::string& out, std::span<const std::string> words) {
  out += '*';
  AppendNumber(out, words.size());
  out += "\r\n";
  for (const std::string& word : words) AppendBulk(out, word);
}

void AppendNatsHello(std::string& out) {
  out += "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"c\",\"version\":\"1\"}\r\n";
}

void AppendPublish(std::string& out, std::string_view channel, std::string_view payload) {
  if (!IsNats()) {
    out += "*3\r\n$7\r\nPUBLISH\r\n";
    AppendBulk(out, channel);
    AppendBulk(out, payload);
    return;
  }
  out += "PUB ";
  out.append(channel);
  out += ' ';
  AppendNumber(out, payload.size());
  out += "\r\n";
  out.append(payload);
  out += "\r\n";
}

void AppendSubscribe(std::string& out, std::string_view name, uint32_t id, bool is_pattern) {
  if (!IsNats()) return AppendCommand(out, {is_pattern ? "PSUBSCRIBE" : "SUBSCRIBE", name});
  out += "SUB ";
  out.append(name);
  out += ' ';
  AppendNumber(out, id);
  out += "\r\n";
}

void AppendUnsubscribe(std::string& out, std::string_view name, uint32_t id) {
  if (!IsNats()) return AppendCommand(out, {"UNSUBSCRIBE", name});
  out += "UNSUB ";
  AppendNumber(out, id);
  out += "\r\n";
}

void AppendPing(std::string& out) { out += IsNats() ? "PING\r\n" : "*1\r\n$4\r\nPING\r\n"; }

}  // namespace peal::bench
