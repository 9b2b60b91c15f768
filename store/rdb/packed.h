// The packed layouts of older releases, made into listpacks. Every octet is looked at.
#pragma once

#include <optional>
#include <string_view>

#include "store/value/listpack.h"

namespace peal::store::rdb {

/// The elements of a ziplist; nullopt if anything in it is wrong: lengths, back lengths, count,
/// end. Source: the ziplist layout of Redis before 7.0.
std::optional<Listpack> ListpackFromZiplist(std::string_view block);

/// The fields and values of a zipmap in turn; nullopt if anything in it is wrong or it is empty.
/// Source: the zipmap layout of Redis before 2.6.
std::optional<Listpack> ListpackFromZipmap(std::string_view block);

}  // namespace peal::store::rdb
