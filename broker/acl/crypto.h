#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace peal::broker {

/// Hexadecimal digits of a SHA-256 digest.
inline constexpr size_t kSha256HexBytes = 64;

/// SHA-256 of `text` as 64 lower-case hexadecimal digits.
std::string Sha256Hex(std::string_view text);

/// Whether two texts of one length are equal; takes the same time wherever they differ. Texts of
/// different lengths are not equal.
bool SameDigest(std::string_view a, std::string_view b);

/// `digits` random hexadecimal digits from the system's generator.
std::string RandomHexDigits(size_t digits);

/// Overwrites the octets so that the compiler cannot leave it out.
void Cleanse(char* secret, size_t bytes);
/// The same for a text, which is empty then.
void Cleanse(std::string& secret);

}  // namespace peal::broker
