#include "protocol/resp/encode.h"

namespace peal::protocol {

void ReplyWriter::Line(char type, std::string_view text) {
  char* out = sink_->Reserve(text.size() + 3);
  *out++ = type;
  for (const char c : text) *out++ = c == '\r' || c == '\n' ? ' ' : c;
  out[0] = '\r';
  out[1] = '\n';
  sink_->Commit(text.size() + 3);
}

void ReplyWriter::Double(double value) {
  char text[kMaxDoubleChars];
  const size_t size = static_cast<size_t>(FormatDouble(text, value) - text);
  if (is_resp3()) {
    Line(',', {text, size});
  } else {
    Bulk({text, size});
  }
}

void ReplyWriter::Verbatim(std::string_view extension, std::string_view text) {
  if (!is_resp3()) {
    Bulk(text);
    return;
  }
  PEAL_DCHECK(extension.size() == 3);
  char format[4] = {' ', ' ', ' ', ':'};
  std::memcpy(format, extension.data(), extension.size() < 3 ? extension.size() : 3);
  Header('=', text.size() + sizeof format);
  sink_->Append({format, sizeof format});
  sink_->Append(text);
  Literal("\r\n");
}

void ReplyWriter::BigNumber(std::string_view digits) {
  if (is_resp3()) {
    Line('(', digits);
  } else {
    Bulk(digits);
  }
}

}  // namespace peal::protocol
