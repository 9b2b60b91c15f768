#pragma once

#include <memory>
#include <string>

#include "broker/scripts/cache.h"

namespace peal::broker {

/// A script as EVAL would know it, in no cache.
inline ScriptRef MakeScript(const std::string& body) {
  auto script = std::make_shared<Script>();
  script->sha = Sha1Hex(body);
  script->body = body;
  return script;
}

}  // namespace peal::broker
