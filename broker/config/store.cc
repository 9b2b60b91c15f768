#include "broker/config/store.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <unordered_set>

#include "patterns/glob.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

namespace peal::broker {

using protocol::Error;
using protocol::Result;

namespace {

constexpr size_t kMaxLoggedValue = 200;  // octets of one value in a report

std::string CurrentDirectory() {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::current_path(error);
  return error ? "/" : path.string();
}

bool HasMetacharacter(std::string_view name) {
  return name.find_first_of("*?[\\") != std::string_view::npos;
}

}  // namespace

std::string ConfigSource::Describe() const {
  switch (kind) {
    case Kind::kDefault:
      return "default";
    case Kind::kFile:
      return file + ":" + std::to_string(line);
    case Kind::kEnvironment:
      return "environment";
    case Kind::kArgument:
      return "argument";
    case Kind::kRuntime:
      return "CONFIG SET";
  }
  return {};
}

ConfigStore::ConfigStore() : entries_(Directives().size()) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Directive& row = Directives()[i];
    Put(i, row.type == DirectiveType::kDirectory ? CurrentDirectory() : DefaultText(row), {});
  }
}

size_t ConfigStore::IndexOf(const Directive& directive) const {
  const auto index = static_cast<size_t>(&directive - Directives().data());
  PEAL_CHECK(index < entries_.size());
  return index;
}

void ConfigStore::Put(size_t index, std::string canonical, ConfigSource source) {
  const Directive& row = Directives()[index];
  if (row.assign != nullptr) row.assign(config_, canonical);
  Entry& entry = entries_[index];
  entry.text = std::move(canonical);
  entry.was_named = entry.was_named || source.kind != ConfigSource::Kind::kDefault;
  entry.source = std::move(source);
}

std::vector<std::pair<std::string, std::string>> ConfigStore::Get(
    std::span<const std::string_view> globs) const {
  std::vector<std::pair<std::string, std::string>> found;
  std::unordered_set<std::string> seen;
  const auto add = [&](std::string_view shown, const Directive& row) {
    if (seen.insert(protocol::LowerCase(shown)).second)
      found.emplace_back(shown, entries_[IndexOf(row)].text);
  };
  for (const std::string_view glob : globs) {
    if (!HasMetacharacter(glob)) {
      if (const Directive* row = FindDirective(glob); row != nullptr) add(glob, *row);
      continue;
    }
    for (const Directive& row : Directives()) {
      if (row.has(kHidden)) continue;
      for (const std::string_view name : {row.name, row.alias}) {
        if (!name.empty() && patterns::GlobMatchNoCase(glob, name)) add(name, row);
      }
    }
  }
  return found;
}

std::string_view ConfigStore::Text(std::string_view name) const {
  const Directive* row = FindDirective(name);
  return row == nullptr ? std::string_view() : entries_[IndexOf(*row)].text;
}

Error ConfigStore::SetFailed(std::string_view name, std::string_view reason) {
  std::string text = "ERR CONFIG SET failed (possibly related to argument '";
  text.append(name).append("') - ").append(reason);
  return Error::Owned(text);
}

Result<std::vector<const Directive*>> ConfigStore::Set(std::span<const Pair> pairs, bool is_local) {
  // First look at every name, so that a wrong one changes nothing. As Redis does, the first
  // objection in the order of the arguments is the one reported.
  std::unordered_set<std::string> names;
  for (const Pair& pair : pairs) {
    const Directive* row = FindDirective(pair.first);
    if (row == nullptr) {
      return Error::Owned("ERR Unknown option or number of arguments for CONFIG SET - '" +
                          std::string(pair.first.substr(0, 128)) + "'");
    }
    std::string name = protocol::LowerCase(pair.first);
    if (row->has(kFixed)) return SetFailed(name, "can't set immutable config");
    const LocalAccess access = config_.enable_protected_configs;
    if (row->has(kProtected) && access != LocalAccess::kYes &&
        !(access == LocalAccess::kLocal && is_local))
      return SetFailed(name, "can't set protected config");
    // An alias beside its name is not a duplicate to Redis; the later one wins.
    if (!names.insert(name).second) return SetFailed(name, "duplicate parameter");
  }
  undo_.clear();
  std::vector<const Directive*> changed;
  for (const Pair& pair : pairs) {
    const Directive& row = *FindDirective(pair.first);
    const size_t index = IndexOf(row);
    const std::string word(pair.second);
    Result<std::string> text = Canonicalise(row, {&word, 1}, entries_[index].text);
    if (!text.ok()) {
      Rollback();
      return SetFailed(protocol::LowerCase(pair.first), text.error().text());
    }
    undo_.push_back({index, entries_[index]});
    if (*text != entries_[index].text &&
        std::find(changed.begin(), changed.end(), &row) == changed.end())
      changed.push_back(&row);
    Put(index, *std::move(text), {.kind = ConfigSource::Kind::kRuntime, .file = {}});
  }
  return changed;
}

void ConfigStore::Rollback() {
  // Backwards: of an entry changed twice the first state is the one to end with.
  for (; !undo_.empty(); undo_.pop_back()) {
    Undo& undo = undo_.back();
    const Directive& row = Directives()[undo.index];
    if (row.assign != nullptr) row.assign(config_, undo.entry.text);
    entries_[undo.index] = std::move(undo.entry);
  }
}

const ConfigSource& ConfigStore::SourceOf(const Directive& directive) const {
  return entries_[IndexOf(directive)].source;
}

Error ConfigStore::WithSource(const Error& error) const {
  const std::string_view text = error.text();
  const Directive* const directive = FindDirective(text.substr(0, text.find_first_of(" :")));
  if (directive == nullptr) return error;
  return Error::Owned(std::string(text) + " (" + SourceOf(*directive).Describe() + ")");
}

bool ConfigStore::IsDefault(const Directive& directive) const {
  const Entry& entry = entries_[IndexOf(directive)];
  if (directive.type == DirectiveType::kDirectory) return !entry.was_named;
  return entry.text == DefaultText(directive);
}

std::vector<ConfigStore::Notice> ConfigStore::Notices() const {
  std::vector<Notice> notices;
  std::string without_effect;
  for (const Directive& row : Directives()) {
    const Entry& entry = entries_[IndexOf(row)];
    if (row.status != DirectiveStatus::kAccepted || !entry.was_named || IsDefault(row)) continue;
    // Asking for no snapshots is what happens anyway.
    if (row.type == DirectiveType::kSavePoints && entry.text.empty()) continue;
    if (!without_effect.empty()) without_effect.append(", ");
    without_effect.append(row.name).append(" (").append(entry.source.Describe()).append(")");
    if (!row.has(kNoEffectAlarm)) continue;
    std::string text(row.name);
    text.append(" is set (").append(entry.source.Describe()).append(") but this version does not ");
    switch (row.group) {
      case DirectiveGroup::kPersistence:
        text.append("write data to disk: all keys are lost when the server ends");
        break;
      case DirectiveGroup::kReplication:
        text.append("replicate: the server starts empty and on its own");
        break;
      case DirectiveGroup::kCluster:
        text.append("form clusters: it serves all slots alone");
        break;
      case DirectiveGroup::kTls:
        text.append("open connections of its own");
        break;
      default:
        text.append("act on it");
        break;
    }
    notices.push_back({.is_warning = true, .text = std::move(text)});
  }
  if (!without_effect.empty())
    notices.push_back({.text = "directives without effect in this version: " + without_effect});
  if (!renames_.empty())
    notices.push_back(
        {.text = "rename-command applies to " + std::to_string(renames_.size()) + " commands"});
  for (const std::string& text : ignored_environment_) notices.push_back({.text = text});
  return notices;
}

std::string ConfigStore::Describe() const {
  std::string out;
  for (const Directive& row : Directives()) {
    if (IsDefault(row)) continue;
    const Entry& entry = entries_[IndexOf(row)];
    std::string value = row.has(kSensitive) ? "(set)" : "\"" + entry.text + "\"";
    if (value.size() > kMaxLoggedValue) value.resize(kMaxLoggedValue);
    std::string line(row.name);
    line.append(" ").append(value);
    if (line.size() < 48) line.append(48 - line.size(), ' ');
    line.append(" # ").append(entry.source.Describe());
    if (row.status == DirectiveStatus::kAccepted) line.append(", no effect in this version");
    out.append(line).append("\n");
  }
  return out;
}

}  // namespace peal::broker
