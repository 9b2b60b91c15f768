#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "histogram.h"

namespace peal::bench {

/// The figures of one case, in the order in which they were added. One JSON object.
class Row {
 public:
  explicit Row(std::string_view name);

  Row& Number(std::string_view key, double value);
  Row& Count(std::string_view key, uint64_t value);
  /// Bytes that JSON would have to escape become spaces.
  Row& Text(std::string_view key, std::string_view value);
  /// p50, p99, p99.9 and the maximum, each key with `prefix` before it. Nothing if it is empty.
  Row& Latency(std::string_view prefix, const Histogram& histogram);

  const std::string& json() const { return json_; }  // without the closing brace

 private:
  std::string json_;
};

/// Keeps the row for PrintRows and shows on standard error that the case is done.
void Emit(const Row& row);

/// {"scenario":...,"rows":[...]} on standard output.
void PrintRows(std::string_view scenario);

}  // namespace peal::bench
