#include "broker/config/options.h"

#include <gnu/libc-version.h>
#include <openssl/crypto.h>
#include <spdlog/fmt/fmt.h>
#include <uv.h>

namespace peal::broker {
namespace {

constexpr char kHelp[] = R"(Peal: publish/subscribe and cache, spoken to with Redis' protocol.

Usage:
  peal-server [file | -] [--directive value ...]...

Without arguments it listens on port 6379 and needs no file. "-" reads the configuration from
standard input; every directive of the file can be given as --directive, and as an environment
variable PEAL_DIRECTIVE with dashes as underscores.

  peal-server                                  start with defaults
  peal-server /etc/peal/peal.conf              start with a redis.conf or peal.conf
  peal-server peal.conf --port 7000            the command line wins over the file
  peal-server --io-threads 2 --requirepass s   two reactors, a password
  PEAL_LOGLEVEL=verbose peal-server            the environment wins over the file, too

Instead of serving:
  --test-config           check the configuration, print what is not at its default and why; exit 0 or 1
  --check-system          look at the limits of this machine and say what to change; exit 0 or 1
  --print-config-reference   every directive with default and meaning, as Markdown
  -h, --help              this text
  -v, --version           version, commit, compiler and libraries

Signals: TERM and INT end cleanly within shutdown-timeout, a second one at once; HUP reopens the log and reads TLS files.
)";

struct Word {
  const char* text;
  Options::Mode mode;
};
constexpr Word kWords[] = {
    {"--help", Options::Mode::kHelp},
    {"-h", Options::Mode::kHelp},
    {"--version", Options::Mode::kVersion},
    {"-v", Options::Mode::kVersion},
    {"--test-config", Options::Mode::kTestConfig},
    {"--check-system", Options::Mode::kCheckSystem},
    {"--print-config-reference", Options::Mode::kPrintConfigReference},
};

}  // namespace

Options ParseOptions(std::span<const std::string> args) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    const Word* found = nullptr;
    for (const Word& word : kWords) {
      // The short ones stand alone, so that "--requirepass -v" keeps its value.
      if (args[i] == word.text && (word.text[1] == '-' || args.size() == 1)) found = &word;
    }
    if (found == nullptr)
      options.config_args.push_back(args[i]);
    else if (options.mode == Options::Mode::kServe)
      options.mode = found->mode;
  }
  return options;
}

std::string HelpText() { return kHelp; }

std::string VersionText() {
  return fmt::format(
      "peal-server v={} sha={} bits={} compiler=\"{}\" libuv={} openssl={} fmt={}.{}.{} glibc={}\n",
      PealVersion(), PealCommit(), sizeof(void*) * 8, PealCompiler(), uv_version_string(),
      OpenSSL_version(OPENSSL_VERSION_STRING), FMT_VERSION / 10000, FMT_VERSION / 100 % 100,
      FMT_VERSION % 100, gnu_get_libc_version());
}

const char* PealCompiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

}  // namespace peal::broker
