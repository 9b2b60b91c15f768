#pragma once

#include <span>
#include <string>
#include <vector>

namespace peal::broker {

/// What the command line of peal-server asks for.
struct Options {
  enum class Mode {
    kServe,
    kHelp,
    kVersion,
    kTestConfig,            // --test-config
    kCheckSystem,           // --check-system
    kPrintConfigReference,  // --print-config-reference
  };
  Mode mode = Mode::kServe;
  std::vector<std::string> config_args;  // for ConfigStore::ApplyArgs
};

/// Takes the words that are no directives out of `args` (which do not hold the program's name).
/// Knows no errors: what it does not know is left for ConfigStore::ApplyArgs to judge.
Options ParseOptions(std::span<const std::string> args);

/// --help, for people; ends with a newline.
std::string HelpText();

/// --version: "peal-server v=0.1.0 sha=… …" with compiler and libraries; ends with a newline.
std::string VersionText();

/// "0.1.0".
const char* PealVersion();

/// The first octets of the commit this was built from, with "-dirty" behind it if the sources had
/// been changed since; "unknown" if they were not in a git work tree.
const char* PealCommit();

/// Compiler and its version, "gcc 12.2.0".
const char* PealCompiler();

}  // namespace peal::broker
