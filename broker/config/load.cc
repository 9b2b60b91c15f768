// The parts of ConfigStore that read files, the environment and arguments.
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <system_error>

#include "broker/config/options.h"
#include "broker/config/store.h"
#include "broker/config/words.h"
#include "protocol/base/text.h"

namespace peal::broker {

using protocol::Error;
using protocol::Result;

namespace {

constexpr int kMaxIncludeDepth = 16;
constexpr size_t kMaxFileBytes = 16u << 20;
constexpr size_t kMaxIncludedFiles = 1000;  // of one glob
constexpr size_t kMaxShownLine = 200;
constexpr std::string_view kEnvironmentPrefix = "PEAL_";
constexpr char kStandardInput[] = "standard input";

using Kind = ConfigSource::Kind;

std::string Reason(int error) { return std::generic_category().message(error); }

// A line for the operator's eyes: no secrets, no control characters, not too long.
std::string Shown(std::string_view line) {
  const size_t blank = line.find_first_of(" \t");
  const Directive* row = FindDirective(line.substr(0, blank));
  const bool is_user = protocol::EqualsIgnoreCase(line.substr(0, blank), "user");
  if ((is_user || (row != nullptr && row->has(kSensitive))) && blank != std::string_view::npos)
    return std::string(line.substr(0, blank)) + " (not shown)";
  std::string text(line.substr(0, kMaxShownLine));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  if (line.size() > kMaxShownLine) text.append("...");
  return text;
}

// As redis-server prints it, with the name of the file.
Error Fatal(const std::string& where, std::string_view line, std::string_view reason) {
  std::string text = "*** FATAL CONFIG FILE ERROR (Peal ";
  text.append(PealVersion()).append(") ***\n").append(where);
  text.append("\n>>> '").append(Shown(line)).append("'\n").append(reason);
  return Error::Owned(text);
}

std::string UnknownDirective(std::string_view name) {
  std::string text = "Bad directive or wrong number of arguments";
  if (const std::string_view nearest = NearestDirective(name); !nearest.empty())
    text.append(" (did you mean '").append(nearest).append("'?)");
  return text;
}

/// The directive that a variable PEAL_… of the environment sets; null if it is none.
const Directive* OfVariable(std::string_view variable) {
  std::string name = protocol::LowerCase(variable.substr(kEnvironmentPrefix.size()));
  // A few names have an underscore of their own (server_cpulist).
  if (const Directive* row = FindDirective(name); row != nullptr) return row;
  for (char& c : name) c = c == '_' ? '-' : c;
  return FindDirective(name);
}

Error CannotOpen(const std::string& path, int error) {
  return Error::Owned("Fatal error, can't open config file '" + path + "': " + Reason(error));
}

Result<std::string> ReadDescriptor(int fd, const std::string& path) {
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t got = read(fd, buffer, sizeof(buffer));
    if (got == 0) return text;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return CannotOpen(path, errno);
    if (text.size() + static_cast<size_t>(got) > kMaxFileBytes)
      return Error::Owned("Fatal error, config file '" + path + "' is longer than 16 MiB");
    text.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::string> ReadWhole(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return CannotOpen(path, errno);
  Result<std::string> text = ReadDescriptor(fd, path);
  close(fd);
  return text;
}

std::string_view Trim(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return line.substr(begin, line.find_last_not_of(kBlanks) - begin + 1);
}

std::string AbsolutePath(const std::string& path) {
  const std::unique_ptr<char, decltype(&free)> real(realpath(path.c_str(), nullptr), free);
  return real == nullptr ? path : std::string(real.get());
}

}  // namespace

Error ConfigStore::Refused(const ConfigSource& source, std::string_view shown,
                           std::string_view reason) {
  std::string where = "Reading the command line";
  if (source.kind == Kind::kFile) {
    where = "Reading the configuration file, at line " + std::to_string(source.line) + " of " +
            source.file;
  }
  return Fatal(where, shown, reason);
}

Result<void> ConfigStore::LoadFile(const std::string& path) {
  if (path == "-") {
    PEAL_ASSIGN_OR_RETURN(const std::string text, ReadDescriptor(STDIN_FILENO, kStandardInput));
    return LoadText(text, kStandardInput);
  }
  PEAL_RETURN_IF_ERROR(ReadAndParse(path, 0));
  if (file_.empty()) file_ = AbsolutePath(path);
  return {};
}

Result<void> ConfigStore::LoadText(std::string_view text, const std::string& source_name) {
  return Parse(text, source_name, 0);
}

Result<void> ConfigStore::ReadAndParse(const std::string& path, int depth) {
  PEAL_ASSIGN_OR_RETURN(const std::string text, ReadWhole(path));
  return Parse(text, AbsolutePath(path), depth);
}

Result<void> ConfigStore::Parse(std::string_view text, const std::string& source_name, int depth) {
  ConfigSource source{.kind = Kind::kFile, .file = source_name, .line = 0};
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++source.line;
    if (line.empty() || line[0] == '#') continue;

    const auto fatal = [&](std::string_view reason) {
      return Fatal("Reading the configuration file, at line " + std::to_string(source.line) +
                       " of " + source_name,
                   line, reason);
    };
    const std::optional<std::vector<std::string>> words = SplitWords(line);
    if (!words) return fatal("Unbalanced quotes in configuration line");
    if (words->empty()) continue;
    if (protocol::EqualsIgnoreCase((*words)[0], "include")) {
      if (words->size() != 2) return fatal("Bad directive or wrong number of arguments");
      if (depth >= kMaxIncludeDepth) return fatal("includes are nested too deeply");
      PEAL_RETURN_IF_ERROR(Include((*words)[1], depth + 1));
      continue;
    }
    if (Result<void> applied = ApplyWords(*words, source); !applied.ok())
      return fatal(applied.error().text());
  }
  return {};
}

Result<void> ConfigStore::Include(const std::string& pattern, int depth) {
  if (pattern.find_first_of("*?[") == std::string::npos) return ReadAndParse(pattern, depth);
  glob_t found = {};
  const std::unique_ptr<glob_t, decltype(&globfree)> owner(&found, globfree);
  const int status = ::glob(pattern.c_str(), 0, nullptr, &found);
  if (status == GLOB_NOMATCH) return {};  // as an empty directory of settings
  if (status != 0 || found.gl_pathc > kMaxIncludedFiles)
    return Error::Owned("Fatal error, can't expand include '" + pattern + "'");
  for (size_t i = 0; i < found.gl_pathc; ++i)
    PEAL_RETURN_IF_ERROR(ReadAndParse(found.gl_pathv[i], depth));
  return {};
}

Result<void> ConfigStore::ApplyWords(std::span<const std::string> words,
                                     const ConfigSource& source) {
  const std::string name = protocol::LowerCase(words[0]);
  if (name == "rename-command") {
    if (words.size() != 3 || words[1].empty())
      return Error::Static("Bad directive or wrong number of arguments");
    renames_.push_back({protocol::LowerCase(words[1]), protocol::LowerCase(words[2])});
    return {};
  }
  if (name == "user" || name == "role") {
    if (words.size() < 2) return Error::Static("Bad directive or wrong number of arguments");
    acl_lines_.push_back(
        {.is_role = name == "role", .words = {words.begin() + 1, words.end()}, .source = source});
    return {};
  }
  if (name == "loadmodule") return Error::Static("modules are not supported");
  if (name == "sentinel") return Error::Static("sentinel directive while not in sentinel mode");
  const Directive* row = FindDirective(name);
  if (row == nullptr) return Error::Owned(UnknownDirective(name));

  const size_t index = IndexOf(*row);
  Entry& entry = entries_[index];
  std::vector<std::string> values(words.begin() + 1, words.end());
  PEAL_ASSIGN_OR_RETURN(std::string text, Canonicalise(*row, values, entry.text));
  // Lines of `save` add up, the first one replaces the default, an empty one forgets all.
  if (row->type == DirectiveType::kSavePoints && entry.was_named && !text.empty() &&
      !entry.text.empty() && source.kind != Kind::kEnvironment) {
    const std::vector<std::string> joined = {entry.text + " " + text};
    PEAL_ASSIGN_OR_RETURN(text, Canonicalise(*row, joined, entry.text));
  }
  Put(index, std::move(text), source);
  return {};
}

Result<void> ConfigStore::ApplyEnvironment(const char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(kEnvironmentPrefix) || equals == std::string_view::npos) continue;
    const std::string_view shown_name = variable.substr(0, equals);
    const std::string_view value = variable.substr(equals + 1);
    if (shown_name == "PEAL_CONFIG") continue;
    const Directive* row = OfVariable(shown_name);
    if (row == nullptr || (row->name == "port" && value.starts_with("tcp://"))) {
      ignored_environment_.push_back(std::string(shown_name.substr(0, kMaxShownLine)) +
                                     " in the environment is no directive, ignored");
      continue;
    }
    const std::string where = "Reading the environment variable " + std::string(shown_name);
    const std::string line = std::string(row->name) + " " + std::string(value);
    // A password is one word, whatever it holds; other values are words as in a file.
    std::optional<std::vector<std::string>> words;
    if (row->type == DirectiveType::kSecretText || row->type == DirectiveType::kProcTitle)
      words = {std::string(value)};
    else
      words = value.empty() ? std::vector<std::string>{""} : SplitWords(value);
    if (!words) return Fatal(where, line, "Unbalanced quotes in configuration line");
    words->insert(words->begin(), std::string(row->name));
    if (Result<void> applied = ApplyWords(*words, {.kind = Kind::kEnvironment, .file = {}});
        !applied.ok())
      return Fatal(where, line, applied.error().text());
  }
  return {};
}

std::vector<std::string> ConfigStore::MaskSecrets(char** environment) {
  std::vector<std::string> names;
  for (; *environment != nullptr; ++environment) {
    const std::string_view variable = *environment;
    const size_t equals = variable.find('=');
    if (!variable.starts_with(kEnvironmentPrefix) || equals == std::string_view::npos) continue;
    const Directive* row = OfVariable(variable.substr(0, equals));
    if (row == nullptr || !row->has(kSensitive)) continue;
    names.emplace_back(variable.substr(0, equals));
    std::fill_n(*environment + equals + 1, variable.size() - equals - 1, '*');
  }
  return names;
}

Result<void> ConfigStore::ApplyArgs(std::span<const std::string> args,
                                    const char* const* environment) {
  size_t at = 0;
  std::string path;
  if (!args.empty() && !args[0].starts_with("--")) {
    path = args[0];
    at = 1;
  } else if (environment != nullptr) {
    for (const char* const* entry = environment; *entry != nullptr; ++entry) {
      if (std::string_view(*entry).starts_with("PEAL_CONFIG="))
        path = *entry + sizeof("PEAL_CONFIG");
    }
  }
  if (!path.empty()) PEAL_RETURN_IF_ERROR(LoadFile(path));
  if (environment != nullptr) PEAL_RETURN_IF_ERROR(ApplyEnvironment(environment));

  while (at < args.size()) {
    const std::string& option = args[at++];
    if (!option.starts_with("--") || option.size() == 2)
      return Fatal("Reading the command line", option, "expected --directive value");
    std::vector<std::string> words = {option.substr(2)};
    std::string line = option;
    // A value may begin with "--" if it comes first and names no directive.
    while (at < args.size() &&
           (!args[at].starts_with("--") ||
            (words.size() == 1 && FindDirective(args[at].substr(2)) == nullptr))) {
      words.push_back(args[at]);
      line.append(" ").append(QuoteWord(args[at++]));
    }
    const std::string shown = line.substr(2);
    if (protocol::EqualsIgnoreCase(words[0], "include") && words.size() == 2) {
      PEAL_RETURN_IF_ERROR(Include(words[1], 1));
      continue;
    }
    if (Result<void> applied = ApplyWords(words, {.kind = Kind::kArgument, .file = {}});
        !applied.ok())
      return Fatal("Reading the command line", shown, applied.error().text());
  }
  return {};
}

}  // namespace peal::broker
