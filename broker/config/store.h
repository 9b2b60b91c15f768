#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/config/config.h"
#include "broker/config/directive.h"
#include "protocol/base/result.h"

namespace peal::broker {

/// Where the value of a directive comes from.
struct ConfigSource {
  enum class Kind : uint8_t { kDefault, kFile, kEnvironment, kArgument, kRuntime };
  Kind kind = Kind::kDefault;
  std::string file;   // kFile: name of the file or "standard input"
  uint32_t line = 0;  // kFile: from 1

  /// "default", "/etc/peal.conf:12", "environment", "argument", "CONFIG SET".
  std::string Describe() const;
};

/// One `rename-command <command> <new name>`; an empty new name removes the command.
struct CommandRename {
  std::string command;
  std::string new_name;
};

/// One `user` or `role` line: the name and its rules, for broker/acl to read.
struct AclLine {
  bool is_role = false;
  std::vector<std::string> words;
  ConfigSource source;
};

/// All directives with their values, and the typed Config they make.
///
/// Precedence at start: defaults, then files (the last line wins), then PEAL_* environment
/// variables, then arguments. Not thread-safe: written at start, and by CONFIG commands while every
/// reactor is parked. Reading through config() is for everybody between such moments; the address
/// is stable.
class ConfigStore {
 public:
  /// Every directive at its default.
  ConfigStore();
  ConfigStore(const ConfigStore&) = delete;
  ConfigStore& operator=(const ConfigStore&) = delete;

  const Config& config() const { return config_; }

  /// Reads a file in redis.conf grammar, at most 16 MiB. "-" is standard input. The first file read
  /// by name is the one that Rewrite() writes. The error is the whole text for the operator,
  /// several lines, as redis-server prints it: file, line number, the line, the reason.
  protocol::Result<void> LoadFile(const std::string& path);

  /// As LoadFile, from memory. `source_name` stands in errors and sources. `include` works.
  protocol::Result<void> LoadText(std::string_view text, const std::string& source_name);

  /// Arguments after the program's name: [file | -] [--directive value…]…
  /// A directive without values ends at the next --word. Loads the file first, then the environment
  /// (if one was given), then the arguments. Without a file, PEAL_CONFIG names it. Errors as
  /// LoadFile.
  protocol::Result<void> ApplyArgs(std::span<const std::string> args,
                                   const char* const* environment = nullptr);

  /// PEAL_PORT=7000, PEAL_MAXMEMORY_POLICY=allkeys-lru: the value is split into words as a line of
  /// a file is. `environment` ends with nullptr. Other PEAL_* names are told in Notices() and
  /// ignored, because other programs use them too; so is a PEAL_PORT that begins with "tcp://",
  /// which Kubernetes sets beside a service called peal. PEAL_CONFIG names a file, see ApplyArgs.
  protocol::Result<void> ApplyEnvironment(const char* const* environment);

  /// Overwrites the values of sensitive directives in the environment, where every program of this
  /// user could read them, once they have been taken over. Returns the names of the variables.
  static std::vector<std::string> MaskSecrets(char** environment);

  /// CONFIG GET: name and value of every directive that matches one of `globs`, in any letter case.
  /// A name without metacharacters is echoed as it was asked, as Redis does. No name comes twice.
  std::vector<std::pair<std::string, std::string>> Get(
      std::span<const std::string_view> globs) const;

  /// CONFIG GET of one name or alias; empty for an unknown one.
  std::string_view Text(std::string_view name) const;

  /// CONFIG SET: all pairs or none. `is_local` tells whether the client is on loopback or a unix
  /// socket, for protected directives. Returns the rows whose value changed, each once, so that the
  /// caller can act on on_change; if an action fails the caller calls Rollback() and replies with
  /// SetFailed(). Errors are complete reply lines.
  using Pair = std::pair<std::string_view, std::string_view>;
  protocol::Result<std::vector<const Directive*>> Set(std::span<const Pair> pairs, bool is_local);

  /// Undoes the last successful Set. Calling it twice changes nothing more.
  void Rollback();

  /// "ERR CONFIG SET failed (possibly related to argument '<name>') - <reason>".
  static protocol::Error SetFailed(std::string_view name, std::string_view reason);

  /// CONFIG REWRITE: puts the values in force into the file read at start. Comments, order and
  /// unknown lines stay; the lines of a changed directive are replaced, new ones go to the end.
  /// Written to a temporary file beside it, synced, and renamed over it. System calls: the caller
  /// must not hold locks.
  /// `acl_lines` take the place of the `user` and `role` lines; null: an aclfile has them, and such
  /// lines go.
  protocol::Result<void> Rewrite(const std::vector<std::string>* acl_lines);

  /// The text that Rewrite() would write over `old_text`. No system call.
  std::string RewriteText(std::string_view old_text,
                          const std::vector<std::string>* acl_lines) const;

  /// Absolute path of the file read at start; empty if there is none.
  const std::string& file() const { return file_; }

  const ConfigSource& SourceOf(const Directive& directive) const;
  /// An error that begins with the name of a directive, and behind it where that was set.
  protocol::Error WithSource(const protocol::Error& error) const;
  bool IsDefault(const Directive& directive) const;

  const std::vector<CommandRename>& renames() const { return renames_; }

  /// `user` and `role` lines, in their order.
  const std::vector<AclLine>& acl_lines() const { return acl_lines_; }
  /// The text for the operator that refuses a line after it was read: where it came from, `shown`
  /// in the place of the line, and the reason.
  static protocol::Error Refused(const ConfigSource& source, std::string_view shown,
                                 std::string_view reason);

  /// Lines for the log at start: which directives were given and have no effect here.
  struct Notice {
    bool is_warning = false;
    std::string text;
  };
  std::vector<Notice> Notices() const;

  /// --test-config: every directive that is not at its default, with its value and source.
  /// Sensitive values are printed as "(set)".
  std::string Describe() const;

 private:
  struct Entry {
    std::string text;  // canonical
    ConfigSource source;
    bool was_named = false;  // some source named it, even if with the default value
  };
  struct Undo {
    size_t index;
    Entry entry;
  };

  size_t IndexOf(const Directive& directive) const;
  void Put(size_t index, std::string canonical, ConfigSource source);
  protocol::Result<void> Parse(std::string_view text, const std::string& source_name, int depth);
  protocol::Result<void> Include(const std::string& pattern, int depth);
  protocol::Result<void> ReadAndParse(const std::string& path, int depth);
  /// Words of one line, name first; neither `include` nor empty. The error is the bare reason.
  protocol::Result<void> ApplyWords(std::span<const std::string> words, const ConfigSource& source);
  /// Whether Rewrite() must write a line for the entry that the file does not have.
  bool BelongsInFile(size_t index) const;

  Config config_;
  std::vector<Entry> entries_;  // one for each row of Directives()
  std::vector<Undo> undo_;
  std::vector<std::string> ignored_environment_;
  std::vector<CommandRename> renames_;
  std::vector<AclLine> acl_lines_;
  std::string file_;
};

}  // namespace peal::broker
