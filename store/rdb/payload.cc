#include "store/rdb/payload.h"

#include <cstdint>

#include "store/rdb/crc64.h"
#include "store/rdb/format.h"
#include "store/rdb/reader.h"
#include "store/rdb/value_writer.h"
#include "store/rdb/writer.h"

namespace peal::store::rdb {
namespace {

constexpr size_t kVersionBytes = 2;
constexpr size_t kFooterBytes = kVersionBytes + 8;

}  // namespace

std::string DumpPayload(const Entry& entry, bool compresses) {
  std::string out;
  Writer writer(out, compresses);
  const Form form = FormOf(entry);
  const uint16_t version = VersionOf(form);
  writer.Byte(static_cast<uint8_t>(form));
  WriteValue(writer, entry);
  AppendFooter(out, version);
  return out;
}

void AppendFooter(std::string& out, uint16_t version) {
  Writer writer(out, false);
  writer.Byte(static_cast<uint8_t>(version));
  writer.Byte(static_cast<uint8_t>(version >> 8));
  writer.Uint64(Crc64(out));
}

std::optional<std::string_view> PayloadBody(std::string_view payload) {
  if (payload.size() < kFooterBytes) return std::nullopt;
  const size_t body_size = payload.size() - kFooterBytes;
  Reader footer(payload.substr(body_size));
  const uint8_t version_low = footer.Byte();
  const unsigned version = footer.Byte() * 256u + version_low;
  if (version > kLastVersion ||
      footer.Uint64() != Crc64(payload.substr(0, body_size + kVersionBytes)))
    return std::nullopt;
  return payload.substr(0, body_size);
}

std::optional<LoadedValue> LoadPayload(std::string_view body, const EncodingLimits& limits) {
  if (body.empty()) return std::nullopt;
  Reader reader(body);
  const uint8_t form = reader.Byte();
  return ReadValue(reader, form, limits);
}

}  // namespace peal::store::rdb
