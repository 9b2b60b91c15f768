#include "broker/pubsub/subscriber.h"

namespace peal::broker {

Subscriber::~Subscriber() {
  holds_back_ = false;
  if (held_ == nullptr) return;
  for (const Range& range : *held_) range.buffer->Release();
  delete held_;
}

void Subscriber::HoldBack(Range range) {
  if (held_ == nullptr) held_ = new std::vector<Range>;
  range.buffer->AddRef();
  held_->push_back(range);
}

void Subscriber::EndHoldingBack() {
  holds_back_ = false;
  if (held_ == nullptr) return;
  for (const Range& range : *held_) {
    Queue(range);
    range.buffer->Release();
  }
  delete held_;
  held_ = nullptr;
}

}  // namespace peal::broker
