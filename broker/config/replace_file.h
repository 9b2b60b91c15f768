#pragma once

#include <string>
#include <string_view>

namespace peal::broker {

/// Puts `text` in the place of the file `path`, so that whoever opens it finds the old or the new
/// text whole: written to a temporary file beside it, synced, renamed. The new file has the old
/// one's permissions; where there was none it is the owner's alone. Returns 0, or an errno. System
/// calls: the caller must not hold locks.
int ReplaceFile(const std::string& path, std::string_view text);

}  // namespace peal::broker
