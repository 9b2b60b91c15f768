#include "broker/net/arena.h"

#include <algorithm>
#include <cstring>

#include "broker/net/connection.h"

namespace peal::broker {

void Arena::Refill(size_t n) {
  // What the open piece holds moves along, so that a piece is always one range. Doubling keeps a
  // piece that grows to many megabytes (a long reply) linear in its length.
  size_t open = block_ == nullptr ? 0 : written();
  if (spill_ != nullptr && open != 0) {
    spill_->Queue(End());
    mark_ = cursor_;
    open = 0;
  }
  const size_t wanted =
      std::max<size_t>(kBlockBytes, open + n + (open > kBlockBytes / 2 ? open : 0));
  PEAL_CHECK(wanted < UINT32_MAX);
  Buffer* block = Buffer::New(static_cast<uint32_t>(wanted));
  if (open != 0) std::memcpy(block->data(), mark_, open);
  if (block_ != nullptr) block_->Release();
  block_ = block;
  mark_ = block->data();
  cursor_ = mark_ + open;
  limit_ = block->data() + block->capacity();
}

}  // namespace peal::broker
