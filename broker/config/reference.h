#pragma once

#include <string>

namespace peal::broker {

/// The page docs/configuration.md, made from the table of directives.
std::string ConfigReference();

}  // namespace peal::broker
