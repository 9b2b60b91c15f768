#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace peal::store {

/// Appends `bytes` as a raw LZF stream (no header) to `out` and returns its length; 0, with nothing
/// appended, unless that saves at least 4 octets. For less than 4 GiB.
size_t LzfCompress(std::string_view bytes, std::string& out);

/// Puts into `out` the `size` octets that the raw LZF stream `bytes` unpacks to. False if it is no
/// such stream or has another size. Nothing is allocated for a size that the stream cannot have.
bool LzfDecompress(std::string_view bytes, size_t size, std::string& out);

}  // namespace peal::store
