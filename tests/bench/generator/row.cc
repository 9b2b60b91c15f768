#include "row.h"

#include <cstdio>
#include <vector>

#include "base.h"

namespace peal::bench {
namespace {
std::vector<std::string> g_rows;
}  // namespace

Row::Row(std::string_view name) : json_("{\"case\":\"" + std::string(name) + "\"") {}

Row& Row::Number(std::string_view key, double value) {
  json_ += Format(",\"%.*s\":%.6g", int(key.size()), key.data(), value);
  return *this;
}

Row& Row::Count(std::string_view key, uint64_t value) {
  json_ += Format(",\"%.*s\":", int(key.size()), key.data());
  AppendNumber(json_, value);
  return *this;
}

Row& Row::Text(std::string_view key, std::string_view value) {
  std::string clean(value);
  for (char& byte : clean)
    if (byte < ' ' || byte > '~' || byte == '"' || byte == '\\') byte = ' ';
  json_ += Format(",\"%.*s\":\"%s\"", int(key.size()), key.data(), clean.c_str());
  return *this;
}

Row& Row::Latency(std::string_view prefix, const Histogram& histogram) {
  if (histogram.count() == 0) return *this;
  const std::string head(prefix);
  Number(head + "p50_us", histogram.Us(0.50));
  Number(head + "p99_us", histogram.Us(0.99));
  Number(head + "p999_us", histogram.Us(0.999));
  return Number(head + "max_us", histogram.MaxUs());
}

void Emit(const Row& row) { g_rows.push_back(row.json() + "}"); }

void PrintRows(std::string_view scenario) {
  std::printf("{\"scenario\":\"%.*s\",\"rows\":[", int(scenario.size()), scenario.data());
  for (size_t i = 0; i < g_rows.size(); ++i) std::printf("%s%s", i ? "," : "", g_rows[i].c_str());
  std::printf("]}\n");
  std::fflush(stdout);
}

}  // namespace peal::bench
