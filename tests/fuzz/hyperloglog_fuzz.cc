// HyperLogLog strings that clients wrote themselves: nothing reads or writes outside of them, the
// ways to read registers agree, and what is sound stays so.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/base/check.h"
#include "store/value/hyperloglog.h"

namespace hll = peal::store::hyperloglog;

namespace {

using Values = std::array<uint8_t, hll::kRegisters>;

/// What `text` holds, if it is sound.
std::optional<Values> Read(std::string_view text) {
  Values values{};
  const bool is_sound = hll::MergeInto(text, values);
  PEAL_CHECK(hll::Count(text).has_value() == is_sound);
  if (!is_sound) return std::nullopt;
  PEAL_CHECK(*hll::Count(text) == hll::Count(hll::Registers(values)));
  return values;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  // The first octets say how much of the rest is added to what the others are.
  const size_t additions = std::min<size_t>(data[0], (size - 2) / 3);
  const uint64_t max_sparse_bytes = uint64_t{data[1]} * 16;
  const uint8_t* const places = data + 2;
  std::string text(reinterpret_cast<const char*>(places + 3 * additions), size - 2 - 3 * additions);
  if (!hll::IsValid(text)) text = hll::Create() + text;
  if (!hll::IsValid(text)) return 0;
  static_cast<void>(hll::DescribeRuns(text));
  static_cast<void>(hll::CachedCount(text));

  std::optional<Values> values = Read(text);
  if (hll::EncodingOf(text) == hll::Encoding::kSparse) {
    const std::optional<std::string> dense = hll::ToDense(text);
    PEAL_CHECK(dense.has_value() == values.has_value());
    if (dense) PEAL_CHECK(Read(*dense) == values);
  }
  hll::Editor editor(text, max_sparse_bytes);
  for (size_t i = 0; i < additions; ++i) {
    const uint8_t* const at = places + 3 * i;
    const auto index = static_cast<uint32_t>((at[0] | at[1] << 8) & (hll::kRegisters - 1));
    const auto value = static_cast<uint8_t>(1 + at[2] % 51);
    const hll::Editor::Outcome outcome = editor.Raise({index, value});
    if (outcome == hll::Editor::Outcome::kCorrupted) {
      PEAL_CHECK(!values);
      return 0;
    }
    if (values) {
      const bool raises = (*values)[index] < value;
      PEAL_CHECK((outcome == hll::Editor::Outcome::kRaised) == raises);
      (*values)[index] = std::max((*values)[index], value);
    }
  }
  if (values) PEAL_CHECK(Read(editor.text()) == values);
  return 0;
}
