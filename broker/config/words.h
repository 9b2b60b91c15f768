#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace peal::broker {

/// Splits a line into words by the quoting rules of redis.conf and of inline commands.
///
/// Blanks separate words. "double quotes" know \n \r \t \b \a, \xHH and \ before any other octet;
/// 'single quotes' know only \'. A closing quote must be followed by a blank or the end. Returns
/// nothing if the quotes are not balanced. Source: Redis documentation, "Redis configuration file".
std::optional<std::vector<std::string>> SplitWords(std::string_view line);

/// `word` as it must be written so that SplitWords gives it back: as it is, or in double quotes
/// with escapes.
std::string QuoteWord(std::string_view word);

}  // namespace peal::broker
