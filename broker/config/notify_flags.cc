#include "broker/config/notify_flags.h"

namespace peal::broker {
namespace {

struct Letter {
  char letter;
  uint32_t bits;
};

// In the order of printing; A stands for the ten before K.
constexpr Letter kLetters[] = {
    {'g', kNotifyGeneric},  {'$', kNotifyString},  {'l', kNotifyList},    {'s', kNotifySet},
    {'h', kNotifyHash},     {'z', kNotifyZset},    {'x', kNotifyExpired}, {'e', kNotifyEvicted},
    {'t', kNotifyStream},   {'d', kNotifyModule},  {'n', kNotifyNew},     {'K', kNotifyKeyspace},
    {'E', kNotifyKeyevent}, {'m', kNotifyKeyMiss},
};

}  // namespace

protocol::Result<uint32_t> ParseNotifyFlags(std::string_view letters) {
  uint32_t mask = 0;
  for (const char c : letters) {
    uint32_t bits = c == 'A' ? static_cast<uint32_t>(kNotifyAll) : 0;
    for (const Letter& letter : kLetters) {
      if (letter.letter == c) bits = letter.bits;
    }
    if (bits == 0)
      return protocol::Error::Static("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    mask |= bits;
  }
  return mask;
}

std::string FormatNotifyFlags(uint32_t mask) {
  std::string out;
  const bool has_all = (mask & kNotifyAll) == kNotifyAll;
  if (has_all) out.push_back('A');
  for (const Letter& letter : kLetters) {
    if (has_all && (letter.bits & kNotifyAll) != 0) continue;
    if ((mask & letter.bits) != 0) out.push_back(letter.letter);
  }
  return out;
}

}  // namespace peal::broker
