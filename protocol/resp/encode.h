#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/base/error.h"
#include "protocol/base/number.h"
#include "protocol/resp/sink.h"

namespace peal::protocol {

/// The protocol version a connection speaks; HELLO changes it.
enum class RespVersion : uint8_t { k2 = 2, k3 = 3 };

/// Room for any one header: a type octet, kMaxIntChars, CR LF.
inline constexpr size_t kMaxHeaderBytes = 1 + kMaxIntChars + 2;

/// Octets of a header with a count or length of `n`: "$12\r\n" has 5.
inline size_t HeaderSize(uint64_t n) { return 3 + static_cast<size_t>(CountDigits(n)); }

/// Octets of a whole bulk string with a payload of `len` octets.
inline size_t BulkSize(size_t len) { return HeaderSize(len) + len + 2; }

/// Writes "<type><n>\r\n" and returns the end. Room: kMaxHeaderBytes.
inline char* WriteHeader(char* out, char type, uint64_t n) {
  *out++ = type;
  out = FormatUint(out, n);
  out[0] = '\r';
  out[1] = '\n';
  return out + 2;
}

/// Writes one bulk string and returns the end. Room: BulkSize(bytes.size()). `bytes` may hold any
/// octets.
inline char* WriteBulk(char* out, std::string_view bytes) {
  out = WriteHeader(out, '$', bytes.size());
  if (!bytes.empty()) std::memcpy(out, bytes.data(), bytes.size());
  out += bytes.size();
  out[0] = '\r';
  out[1] = '\n';
  return out + 2;
}

/// Writes ":<value>\r\n" and returns the end. Room: kMaxHeaderBytes.
inline char* WriteInteger(char* out, int64_t value) {
  *out++ = ':';
  out = FormatInt(out, value);
  out[0] = '\r';
  out[1] = '\n';
  return out + 2;
}

/// Writes replies in RESP2 or RESP3 into a sink. Two words, copied freely; the sink must outlive
/// it.
///
/// Nothing checks that the elements of an array follow: the caller writes as many as it announced.
/// Source: RESP specification (RESP2 and RESP3); where RESP2 has no such type, what Redis sends
/// there.
class ReplyWriter {
 public:
  ReplyWriter(ByteSink& sink, RespVersion version) : sink_(&sink), version_(version) {}

  RespVersion version() const { return version_; }
  ByteSink& sink() const { return *sink_; }

  void Ok() { Literal("+OK\r\n"); }

  /// A status line. CR and LF inside become spaces.
  void Simple(std::string_view text) { Line('+', text); }

  void Error(const protocol::Error& error) { Line('-', error.text()); }

  /// `text` without the leading '-'. CR and LF inside become spaces: it may quote the client.
  void ErrorLine(std::string_view text) { Line('-', text); }

  void Integer(int64_t value) {
    char* out = sink_->Reserve(kMaxHeaderBytes);
    sink_->Commit(static_cast<size_t>(WriteInteger(out, value) - out));
  }

  void Bulk(std::string_view bytes) {
    // One reservation and one copy; kMaxHeaderBytes + 2 spares counting the digits twice.
    char* out = sink_->Reserve(kMaxHeaderBytes + bytes.size() + 2);
    sink_->Commit(static_cast<size_t>(WriteBulk(out, bytes) - out));
  }

  /// A bulk string that is the decimal text of `value`.
  void BulkInteger(int64_t value) {
    char digits[kMaxIntChars];
    Bulk({digits, static_cast<size_t>(FormatInt(digits, value) - digits)});
  }

  /// "No value": "$-1" in RESP2, "_" in RESP3.
  void Null() {
    if (is_resp3()) {
      Literal("_\r\n");
    } else {
      Literal("$-1\r\n");
    }
  }

  /// "No array": "*-1" in RESP2, "_" in RESP3.
  void NullArray() {
    if (is_resp3()) {
      Literal("_\r\n");
    } else {
      Literal("*-1\r\n");
    }
  }

  void Array(size_t n) { Header('*', n); }

  /// `n` pairs follow. RESP2: an array of 2n.
  void Map(size_t n) { Header(is_resp3() ? '%' : '*', is_resp3() ? n : 2 * n); }

  /// RESP2: an array.
  void Set(size_t n) { Header(is_resp3() ? '~' : '*', n); }

  /// Out-of-band data; RESP2: an array.
  void Push(size_t n) { Header(is_resp3() ? '>' : '*', n); }

  /// RESP3 only: `n` pairs of attributes of the value that follows. RESP2 clients do not know them,
  /// so the caller must not write the pairs there: returns whether they are wanted.
  [[nodiscard]] bool Attribute(size_t n) {
    if (!is_resp3()) return false;
    Header('|', n);
    return true;
  }

  /// RESP3 ",1.5"; RESP2 a bulk string. The text is FormatDouble's.
  void Double(double value);

  /// RESP3 "#t" / "#f"; RESP2 the integers 1 / 0.
  void Boolean(bool value) {
    if (is_resp3()) {
      Literal(value ? "#t\r\n" : "#f\r\n");
    } else {
      Literal(value ? ":1\r\n" : ":0\r\n");
    }
  }

  /// Text with a three-letter format ("txt", "mkd"); RESP2: a bulk string of the text alone.
  void Verbatim(std::string_view extension, std::string_view text);

  /// An integer of any size, as decimal `digits`; RESP2: a bulk string.
  void BigNumber(std::string_view digits);

 private:
  bool is_resp3() const { return version_ == RespVersion::k3; }

  template <size_t N>
  void Literal(const char (&text)[N]) {
    std::memcpy(sink_->Reserve(N - 1), text, N - 1);
    sink_->Commit(N - 1);
  }

  void Header(char type, size_t n) {
    char* out = sink_->Reserve(kMaxHeaderBytes);
    sink_->Commit(static_cast<size_t>(WriteHeader(out, type, n) - out));
  }

  void Line(char type, std::string_view text);

  ByteSink* sink_;
  RespVersion version_;
};

}  // namespace peal::protocol
