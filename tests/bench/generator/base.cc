#include "base.h"

#include <time.h>

#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace peal::bench {

Options g_options;

void Die(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  std::fputs("generator: ", stderr);
  std::vfprintf(stderr, format, arguments);
  std::fputc('\n', stderr);
  va_end(arguments);
  std::exit(2);
}

std::string Format(const char* format, ...) {
  char buffer[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

uint64_t NowNs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

uint32_t Random(uint32_t bound) {
  static uint64_t state = 0x9E3779B97F4A7C15;  // xorshift64*
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  const uint64_t mixed = state * 2685821657736338717u;
  return uint32_t(((mixed >> 32) * bound) >> 32);
}

void AppendNumber(std::string& out, uint64_t number) {
  char digits[20];
  out.append(digits, size_t(std::to_chars(digits, digits + 20, number).ptr - digits));
}

std::string ReadFile(const std::string& path) {
  std::string content;
  FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return content;
  char buffer[8192];
  size_t count;
  while ((count = std::fread(buffer, 1, sizeof buffer, file)) > 0) content.append(buffer, count);
  std::fclose(file);
  return content;
}

}  // namespace peal::bench
