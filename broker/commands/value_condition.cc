#include "broker/commands/value_condition.h"

#include "protocol/base/text.h"
#include "store/keyspace/hash.h"
#include "store/keyspace/stripe.h"

namespace peal::broker {
namespace {

using protocol::EqualsIgnoreCase;
using protocol::Error;

constexpr size_t kDigestChars = 16;
constexpr Error kBadDigest = Error::Static("ERR must be exactly 16 hexadecimal characters");

}  // namespace

std::optional<ValueCondition> ReadValueCondition(std::string_view word) {
  if (EqualsIgnoreCase(word, "ifeq")) return ValueCondition::kEqual;
  if (EqualsIgnoreCase(word, "ifne")) return ValueCondition::kNotEqual;
  if (EqualsIgnoreCase(word, "ifdeq")) return ValueCondition::kDigestEqual;
  if (EqualsIgnoreCase(word, "ifdne")) return ValueCondition::kDigestNotEqual;
  return std::nullopt;
}

protocol::Result<bool> Meets(const store::Entry& entry, ValueCondition condition,
                             std::string_view operand) {
  store::StringSlice slice;
  store::Stripe::ReadString(entry, slice);
  switch (condition) {
    case ValueCondition::kEqual:
      return slice.bytes == operand;
    case ValueCondition::kNotEqual:
      return slice.bytes != operand;
    case ValueCondition::kDigestEqual:
    case ValueCondition::kDigestNotEqual:
      break;
  }
  if (operand.size() != kDigestChars) return kBadDigest;
  const bool is_equal = EqualsIgnoreCase(DigestText(slice.bytes), operand);
  return is_equal == (condition == ValueCondition::kDigestEqual);
}

std::string DigestText(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t digest = store::DigestOf(bytes);
  std::string text(kDigestChars, '0');
  for (size_t i = 0; i < kDigestChars; ++i) text[i] = kDigits[digest >> (60 - 4 * i) & 15];
  return text;
}

}  // namespace peal::broker
