#include "broker/service/proc_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace peal::broker {
namespace {

char* g_room = nullptr;
size_t g_room_bytes = 0;

}  // namespace

void ProcTitle::Init(int argc, char** argv) {
  if (g_room != nullptr || argc < 1) return;
  // The kernel puts the strings of argv and, right behind them, those of the environment into one
  // piece. What does not follow on was put there by somebody else and is left alone.
  char* end = argv[0];
  for (int i = 0; i < argc; ++i) {
    if (argv[i] == end) end += std::strlen(end) + 1;
  }
  size_t count = 0;
  while (environ[count] != nullptr) ++count;
  // Never freed: the environment lives as long as the process.
  auto** moved = static_cast<char**>(std::calloc(count + 1, sizeof(char*)));
  if (moved == nullptr) return;
  for (size_t i = 0; i < count; ++i) {
    if (environ[i] == end) end += std::strlen(end) + 1;
    moved[i] = ::strdup(environ[i]);
    if (moved[i] == nullptr) {
      while (i > 0) std::free(moved[--i]);
      return std::free(static_cast<void*>(moved));
    }
  }
  environ = moved;
  g_room = argv[0];
  g_room_bytes = static_cast<size_t>(end - argv[0]);
}

void ProcTitle::Set(std::string_view title) {
  if (g_room == nullptr) return;
  const size_t shown = std::min(title.size(), g_room_bytes - 1);
  std::memcpy(g_room, title.data(), shown);
  std::memset(g_room + shown, 0, g_room_bytes - shown);
}

}  // namespace peal::broker
