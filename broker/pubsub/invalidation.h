#pragma once

#include <string>
#include <vector>

#include "broker/net/connection.h"

namespace peal::broker {

/// A key changed: who has read it and is to be told, and who did it.
struct Invalidation {
  std::string key;
  std::vector<ClientId> readers;
  ClientId changer = 0;  // 0: nobody, its time had come
};

}  // namespace peal::broker
