#include "store/value/lzf.h"

#include <lzf.h>

#include <limits>

namespace peal::store {
namespace {

constexpr size_t kLeastSaved = 4;
// The longest copy takes 3 octets of the stream and makes 264.
constexpr size_t kMostGrowth = 88;

}  // namespace

size_t LzfCompress(std::string_view bytes, std::string& out) {
  if (bytes.size() <= kLeastSaved || bytes.size() > std::numeric_limits<unsigned>::max()) return 0;
  const size_t before = out.size();
  const size_t room = bytes.size() - kLeastSaved;
  out.resize(before + room);
  const size_t size = ::lzf_compress(bytes.data(), static_cast<unsigned>(bytes.size()),
                                     out.data() + before, static_cast<unsigned>(room));
  out.resize(before + size);
  return size;
}

bool LzfDecompress(std::string_view bytes, size_t size, std::string& out) {
  constexpr size_t kMost = std::numeric_limits<unsigned>::max();
  if (bytes.empty() || bytes.size() > kMost || size == 0 || size > kMost ||
      size / kMostGrowth > bytes.size())
    return false;
  out.resize(size);
  return ::lzf_decompress(bytes.data(), static_cast<unsigned>(bytes.size()), out.data(),
                          static_cast<unsigned>(size)) == size;
}

}  // namespace peal::store
