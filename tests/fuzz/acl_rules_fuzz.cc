// Rules of users of any octets, and aclfiles: no crash, a refused change changes nothing, and what
// is said about a user makes the same user again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "broker/acl/file.h"
#include "broker/acl/rules.h"
#include "broker/acl/user.h"
#include "broker/acl/users.h"
#include "protocol/base/check.h"

using peal::broker::AclUsers;
using peal::broker::CommandTable;
using peal::broker::UserRules;

namespace {

/// Each line of the input is a rule.
std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string LineOf(const AclUsers& users, std::string_view name) {
  const auto account = users.Find(name);
  return account == nullptr ? std::string() : AclUsers::Line(account->user->rules());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const CommandTable commands;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string_view> rules = Lines(text);

  AclUsers users(commands);
  const std::vector<std::string_view> role = {"+@read", "%R~r*"};
  PEAL_CHECK(users.SetRole("r", role).ok());
  const std::vector<std::string_view> before = {"on", "+get", "~a*", "(+set ~b*)"};
  PEAL_CHECK(users.SetUser("u", before).ok());
  const std::string old_line = LineOf(users, "u");
  if (!users.SetUser("u", rules).ok()) PEAL_CHECK(LineOf(users, "u") == old_line);
  static_cast<void>(users.SetRole("s", rules));

  // Saved and loaded, in both forms, the users are the same.
  const std::string line = LineOf(users, "u");
  const std::vector<peal::broker::AclFileLine> split = peal::broker::SplitAclFile(line);
  PEAL_CHECK(split.size() == 1 && split[0].words.size() > 2);
  std::vector<std::string_view> words = {"reset", "resetroles"};
  words.insert(words.end(), split[0].words.begin() + 2, split[0].words.end());
  AclUsers again(commands);
  PEAL_CHECK(again.SetRole("r", role).ok());
  PEAL_CHECK(again.SetUser("u", words).ok());
  // A reset says "sanitize-payload", which is not taken back.
  const bool says_it = users.Find("u")->user->rules().sanitize != UserRules::Sanitize::kUnsaid;
  if (says_it) PEAL_CHECK(LineOf(again, "u") == line);
  peal::broker::ConfigStore config;
  std::string config_text;
  for (const std::string& each : users.ConfigLines()) config_text += each + "\n";
  PEAL_CHECK(config.LoadText(config_text, "fuzz").ok());
  AclUsers third(commands);
  PEAL_CHECK(third.Start(config).ok());
  PEAL_CHECK(third.Lines() == users.Lines());

  // Both users allow the same.
  for (const std::string_view key : rules) {
    for (const std::string_view command : {"get", "set", "publish", "psubscribe"}) {
      const std::vector<std::string_view> request = {command, key, "x"};
      const auto& entry = *commands.Find(command);
      const auto one = users.Find("u")->user->Check(entry, request);
      const auto two = third.Find("u")->user->Check(entry, request);
      PEAL_CHECK(one.denied == two.denied && one.argument == two.argument);
    }
  }
  return 0;
}
