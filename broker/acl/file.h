#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/base/result.h"

namespace peal::broker {

/// A line of an aclfile that is not empty, with its words as views of the text.
struct AclFileLine {
  size_t number = 0;  // from 1
  std::vector<std::string_view> words;
};

/// Splits the text of an aclfile. Words stand between blanks; there are neither quotes nor
/// comments, which ACL SAVE would lose.
std::vector<AclFileLine> SplitAclFile(std::string_view text);

/// The whole file, at most 64 MiB. Errors are replies, as Redis words them.
protocol::Result<std::string> ReadAclFile(const std::string& path);

/// Puts `text` in the place of the file: a temporary one beside it (readable by the owner only
/// unless the old one was readable by more), synced and renamed. Errors are reasons for the log.
protocol::Result<void> WriteAclFile(const std::string& path, std::string_view text);

}  // namespace peal::broker
