#pragma once

#include <cstdint>

namespace peal::broker {

/// What the functions of cjson that set something set. Defaults as in redis-server 7.0.15.
struct CjsonSettings {
  bool sparse_convert = false;  // a sparse array becomes an object instead of an error
  int sparse_ratio = 2;
  int sparse_safe = 10;
  int encode_max_depth = 1000;
  int decode_max_depth = 1000;
  int number_precision = 14;
  bool keep_buffer = true;         // has no effect
  int encode_invalid_numbers = 0;  // off, on, null
  bool decode_invalid_numbers = true;
};

}  // namespace peal::broker
