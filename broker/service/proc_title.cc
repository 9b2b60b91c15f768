#include "broker/service/proc_title.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace peal::broker {
namespace {

char* g_room = nullptr;
char* g_environment = nullptr;  // the text of all variables
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
  size_t bytes = 0;
  for (; environ[count] != nullptr; ++count) bytes += std::strlen(environ[count]) + 1;
  // Never freed, also where a variable is removed: the environment lives as long as the process.
  auto** const moved = static_cast<char**>(std::calloc(count + 1, sizeof(char*)));
  g_environment = static_cast<char*>(std::malloc(bytes + 1));
  if (moved == nullptr || g_environment == nullptr) {
    std::free(static_cast<void*>(moved));
    return std::free(std::exchange(g_environment, nullptr));
  }
  char* to = g_environment;
  for (size_t i = 0; i < count; ++i) {
    const size_t size = std::strlen(environ[i]) + 1;
    if (environ[i] == end) end += size;
    moved[i] = static_cast<char*>(std::memcpy(to, environ[i], size));
    to += size;
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
