#include "store/value/list_node.h"

#include <cstring>
#include <string>
#include <string_view>

#include "store/value/lzf.h"

namespace peal::store {
namespace {

// As Redis: below this nothing is won.
constexpr size_t kLeastBytes = 48;
// Elements larger than a node may be stand alone. Unpacking one of these for each look would take
// more than a turn should.
constexpr size_t kMostBytes = 128 * 1024;

}  // namespace

ListNode ListNode::Clone() const {
  ListNode clone;
  clone.count = count;
  clone.is_hard_ = is_hard_;
  if (!IsCompressed()) {
    clone.pack_ = Listpack(pack_);
    return clone;
  }
  clone.stream_ = std::make_unique_for_overwrite<char[]>(stream_bytes_);
  std::memcpy(clone.stream_.get(), stream_.get(), stream_bytes_);
  clone.stream_bytes_ = stream_bytes_;
  clone.pack_bytes_ = pack_bytes_;
  return clone;
}

Listpack ListNode::Copy() const {
  if (!IsCompressed()) return Listpack(pack_);
  std::string block;
  const bool is_stream = LzfDecompress({stream_.get(), stream_bytes_}, pack_bytes_, block);
  PEAL_CHECK(is_stream);
  auto pack = Listpack::Parse(block);
  PEAL_CHECK(pack.has_value());
  return std::move(*pack);
}

size_t ListNode::MemoryBytes() const {
  constexpr size_t kBlockOverhead = 16;
  return IsCompressed() ? stream_bytes_ + kBlockOverhead : pack_.MemoryBytes();
}

bool ListNode::IsSound() const {
  if (count == 0) return false;
  if (!IsCompressed()) return pack_.Count() == count && pack_.IsSound();
  std::string block;
  if (!LzfDecompress({stream_.get(), stream_bytes_}, pack_bytes_, block)) return false;
  const auto pack = Listpack::Parse(block);
  return pack.has_value() && pack->Count() == count && pack_.empty();
}

void ListNode::Open() {
  if (!IsCompressed()) return;
  pack_ = Copy();
  stream_.reset();
  stream_bytes_ = 0;
  pack_bytes_ = 0;
}

void ListNode::Compress() {
  if (IsCompressed() || is_hard_ || pack_.Bytes() < kLeastBytes || pack_.Bytes() > kMostBytes) {
    return;
  }
  std::string stream;
  const std::string_view block = pack_.Block();
  if (LzfCompress(block, stream) == 0) {
    is_hard_ = true;
    return;
  }
  stream_bytes_ = static_cast<uint32_t>(stream.size());
  stream_ = std::make_unique_for_overwrite<char[]>(stream.size());
  std::memcpy(stream_.get(), stream.data(), stream.size());
  pack_bytes_ = static_cast<uint32_t>(block.size());
  pack_.Clear();
}

}  // namespace peal::store
