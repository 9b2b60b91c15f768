// Rules of users and what they allow. Expected texts were observed on redis-server 7.0.15, the
// order of command rules is that of Redis 7.2.
#include "broker/acl/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "broker/acl/crypto.h"
#include "broker/acl/user.h"
#include "broker/acl/users.h"
#include "broker/exec/command_table.h"

namespace peal::broker {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const CommandTable& Table() {
  static const CommandTable table;
  return table;
}

/// The user that `rules` make, or the reason why the last one was refused.
class AclRules : public ::testing::Test {
 protected:
  std::string Apply(const std::vector<std::string_view>& rules) {
    const RuleContext context{.commands = Table()};
    rules_ = UserRules(UserRules::Kind::kUser, "u", context);
    const MergedRules merged = MergeSelectors(rules);
    if (merged.unmatched) return "unmatched " + std::to_string(*merged.unmatched);
    for (const std::string& rule : merged.rules) {
      const auto applied = rules_.Apply(rule, context);
      if (!applied.ok()) return std::string(applied.error().text());
    }
    return rules_.Describe();
  }
  /// "" if the request is allowed, else what is refused.
  std::string Check(const std::vector<std::string_view>& args) {
    const AclUser user(rules_, {}, Table());
    const TableEntry* entry = CommandTable::Resolve(Table().Find(args[0]), args);
    const AclVerdict verdict = user.Check(*entry, args);
    switch (verdict.denied) {
      case Denied::kNothing:
        return "";
      case Denied::kCommand:
        return "command";
      case Denied::kKey:
        return "key " + std::string(args[verdict.argument]);
      case Denied::kChannel:
        return "channel " + std::string(args[verdict.argument]);
    }
    return "?";
  }

  UserRules rules_{UserRules::Kind::kUser, "u", RuleContext{.commands = Table()}};
};

TEST_F(AclRules, AreShownInTheOrderTheyWereGiven) {
  EXPECT_EQ(Apply({}), "off resetchannels -@all");
  EXPECT_EQ(Apply({"on", "nopass", "+@all", "~*", "&*"}), "on nopass ~* &* +@all");
  EXPECT_EQ(Apply({"+get", "-get", "+SET", "+@Read", "-get"}),
            "off resetchannels -@all +set +@read -get");
  EXPECT_EQ(Apply({"+get", "+@all", "-@write", "+config|get"}),
            "off resetchannels +@all -@write +config|get");
  EXPECT_EQ(Apply({"+config|get", "+config|set", "-config"}), "off resetchannels -@all -config");
  EXPECT_EQ(Apply({"+select|0", "+SELECT|A", "+select|a"}),
            "off resetchannels -@all +select|0 +select|a");
  EXPECT_EQ(Apply({"+select|0", "+select"}), "off resetchannels -@all +select");
  EXPECT_EQ(Apply({"%R~a", "~b", "%w~a", "%RW~c", "%W~d", "%R"}),
            "off ~a ~b ~c %W~d %R~ resetchannels -@all");
  EXPECT_EQ(Apply({"&a", "%P&b", "%s&c", "%S&b", "%PS&d"}),
            "off resetchannels &a &b %S&c &d -@all");
  // Redis shows "~* ~a", which it does not read back.
  EXPECT_EQ(Apply({"%R~*", "~a", "%W~*", "%P&*", "&b", "%S&*"}),
            "off %RW~* ~a resetchannels %PS&* &b -@all");
  EXPECT_EQ(Apply({"reset"}), "off sanitize-payload resetchannels -@all");
  EXPECT_EQ(Apply({"(+get", "~a", ")", "(", ")", "( +@all allkeys allchannels)"}),
            "off resetchannels -@all (~a resetchannels -@all +get) (resetchannels -@all) "
            "(~* &* +@all)");
  EXPECT_EQ(Apply({"(~\"a)b\" +get)"}),
            "off resetchannels -@all (\"~a)b\" resetchannels -@all +get)");
  EXPECT_EQ(Apply({"(+get)", "clearselectors", "+set"}), "off resetchannels -@all +set");
}

TEST_F(AclRules, DescribeThemselvesSoThatTheyCanBeReadBack) {
  for (const std::vector<std::string_view>& rules : std::vector<std::vector<std::string_view>>{
           {"on", ">pw", "~a*", "%R~b\"c", "&x", "+@all", "-@dangerous", "+config|get"},
           {"(~\"a\\\"b\" \"%R~c)\" +get)", "(&x -@all +@read +select|0)", "skip-sanitize-payload"},
           {"nopass", "allkeys", "allchannels", "allcommands", "-get"}}) {
    const std::string once = Apply(rules);
    std::vector<std::string_view> words = SplitAtSpaces(once);
    const std::string kept = once;
    words = SplitAtSpaces(kept);
    EXPECT_EQ(Apply(words), kept);
  }
}

TEST_F(AclRules, WrongOnesAreRefusedWithTheReasonsOfRedis) {
  const std::string syntax = "Syntax error";
  const std::string unknown = "Unknown command or category name in ACL";
  for (const std::string_view rule :
       {"foo", "%~a", "%", "%X~a", "%RR~a", "~a b", "&a b", "%Pa", "%P~a", "%R&a", "%RS~a",
        "+config|", "(nope)", "(on)", ")", "(+get \"x)", "%&a"}) {
    EXPECT_EQ(Apply({rule}), syntax) << rule;
  }
  for (const std::string_view rule :
       {"+nosuch", "-nosuch", "+@nosuch", "+", "-", "+get|x|y", "+config|nosuch", "-select|0", "+@",
        "(+nosuch)", "+nosuch|x"}) {
    EXPECT_EQ(Apply({rule}), unknown) << rule;
  }
  EXPECT_EQ(Apply({"+config|get|x"}), "Allowing first-arg of a subcommand is not supported");
  EXPECT_THAT(Apply({"allkeys", "~a"}), HasSubstr("Try 'resetkeys'"));
  EXPECT_THAT(Apply({"allchannels", "&a"}), HasSubstr("Try 'resetchannels'"));
  EXPECT_THAT(Apply({"<nope"}), HasSubstr("does not exist"));
  EXPECT_THAT(Apply({"#abc"}), HasSubstr("must be exactly 64 characters"));
  EXPECT_THAT(Apply({"!abc"}), HasSubstr("must be exactly 64 characters"));
  EXPECT_THAT(Apply({"role:x"}), HasSubstr("no such role"));
  EXPECT_EQ(Apply({"on", "(+get", "~a"}), "unmatched 1");
}

TEST_F(AclRules, PasswordsAreKeptAsHashes) {
  const std::string hash = Sha256Hex("pw");
  EXPECT_EQ(hash, "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4");
  Apply({">pw", ">pw", ">two", "#" + hash});
  EXPECT_THAT(rules_.passwords, ElementsAre(hash, Sha256Hex("two")));
  Apply({">pw", ">two", "<two"});
  EXPECT_THAT(rules_.passwords, ElementsAre(hash));
  Apply({">pw", "!" + hash});
  EXPECT_THAT(rules_.passwords, IsEmpty());
  Apply({">pw", "nopass"});
  EXPECT_TRUE(rules_.needs_no_password && rules_.passwords.empty());
  Apply({"nopass", ">pw"});
  EXPECT_FALSE(rules_.needs_no_password);
}

TEST_F(AclRules, SelectorsAreTriedOneAfterAnother) {
  Apply({"+get", "~a*", "(+set", "~b*)", "(+publish &c*)"});
  EXPECT_EQ(Check({"get", "a1"}), "");
  EXPECT_EQ(Check({"get", "b1"}), "key b1");
  EXPECT_EQ(Check({"set", "a1", "v"}), "key a1");
  EXPECT_EQ(Check({"set", "b1", "v"}), "");
  EXPECT_EQ(Check({"del", "a1"}), "command");
  EXPECT_EQ(Check({"publish", "c1", "m"}), "");
  EXPECT_EQ(Check({"publish", "d1", "m"}), "channel d1");
  EXPECT_EQ(Check({"auth", "x"}), "");
}

TEST_F(AclRules, RightsToReadAndWriteAreApart) {
  Apply({"+@all", "%R~r*", "%W~w*", "~b*"});
  EXPECT_EQ(Check({"get", "r"}), "");
  EXPECT_EQ(Check({"get", "w"}), "key w");
  EXPECT_EQ(Check({"set", "w", "1"}), "");
  EXPECT_EQ(Check({"set", "w", "1", "GET"}), "key w");
  EXPECT_EQ(Check({"set", "w", "1", "IFEQ", "x"}), "key w");
  EXPECT_EQ(Check({"set", "r", "1"}), "key r");
  EXPECT_EQ(Check({"copy", "r", "w"}), "");
  EXPECT_EQ(Check({"copy", "w", "r"}), "key w");
  EXPECT_EQ(Check({"incr", "w"}), "key w");
  EXPECT_EQ(Check({"incr", "b"}), "");
  EXPECT_EQ(Check({"bitfield", "r", "get", "u8", "0"}), "");
  EXPECT_EQ(Check({"bitfield", "r", "set", "u8", "0", "1"}), "key r");
  EXPECT_EQ(Check({"zunionstore", "w", "2", "r1", "r2"}), "");
  EXPECT_EQ(Check({"zunionstore", "w", "2", "r1", "w2"}), "key w2");
  EXPECT_EQ(Check({"mset", "w1", "x", "r1", "x"}), "key r1");
  EXPECT_EQ(Check({"exists", "w"}), "");
}

TEST_F(AclRules, RightsToPublishAndSubscribeAreApart) {
  Apply({"+@all", "%P&out.*", "%S&in.*", "&both.*"});
  EXPECT_EQ(Check({"publish", "out.1", "m"}), "");
  EXPECT_EQ(Check({"publish", "in.1", "m"}), "channel in.1");
  EXPECT_EQ(Check({"subscribe", "in.1", "both.1"}), "");
  EXPECT_EQ(Check({"subscribe", "in.1", "out.1"}), "channel out.1");
  EXPECT_EQ(Check({"ssubscribe", "out.1"}), "channel out.1");
  EXPECT_EQ(Check({"psubscribe", "in.*"}), "");
  EXPECT_EQ(Check({"psubscribe", "in.a*"}), "channel in.a*");
  EXPECT_EQ(Check({"psubscribe", "out.*"}), "channel out.*");
  EXPECT_EQ(Check({"unsubscribe", "out.1"}), "");
}

TEST_F(AclRules, ManyPatternsAllowWhatFewWould) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) {
    texts.push_back((i % 2 == 0 ? "%R~key." : "~key.") + std::to_string(i) + ".*");
  }
  std::vector<std::string_view> rules(texts.begin(), texts.end());
  rules.emplace_back("+@all");
  Apply(rules);
  const AclUser user(rules_, {}, Table());
  const TableEntry& get = *Table().Find("get");
  const TableEntry& set = *Table().Find("set");
  for (int i = 0; i < 1200; ++i) {
    const std::string key = "key." + std::to_string(i) + ".x";
    EXPECT_EQ(user.Check(get, std::vector<std::string_view>{"get", key}).ok(), i < 1000);
    EXPECT_EQ(user.Check(set, std::vector<std::string_view>{"set", key, "v"}).ok(),
              i < 1000 && i % 2 == 1);
  }
}

TEST_F(AclRules, OnlyAllRightsAreUnrestricted) {
  Apply({"+@all", "~*", "&*"});
  EXPECT_TRUE(AclUser(rules_, {}, Table()).is_unrestricted());
  Apply({"+@all", "~*", "&*", "-get", "+get"});
  EXPECT_TRUE(AclUser(rules_, {}, Table()).is_unrestricted());
  for (const std::string_view rule : {"-get", "resetkeys", "resetchannels", "nocommands"}) {
    Apply({"+@all", "~*", "&*", rule});
    EXPECT_FALSE(AclUser(rules_, {}, Table()).is_unrestricted()) << rule;
  }
  Apply({"(+@all ~* &*)"});
  EXPECT_TRUE(AclUser(rules_, {}, Table()).is_unrestricted());
}

TEST_F(AclRules, TheMissingRuleIsNamed) {
  Apply({"+get", "~a"});
  const AclUser user(rules_, {}, Table());
  const auto missing = [&](const std::vector<std::string_view>& args, AclUser::Names names) {
    const TableEntry& entry = *Table().Find(args[0]);
    return user.MissingRule(entry, args, user.Check(entry, args), names);
  };
  EXPECT_EQ(missing({"set", "k", "v"}, AclUser::Names::kShow),
            "+set or one of +@write +@string +@slow");
  EXPECT_EQ(missing({"get", "k"}, AclUser::Names::kShow), "%R~k");
  EXPECT_EQ(missing({"get", "k"}, AclUser::Names::kHide), "%R~<key>");
}

TEST(AclUsers, ChangeTheAccountsThatHaveARole) {
  AclUsers users(Table());
  using Words = std::vector<std::string_view>;
  ASSERT_TRUE(users.SetRole("reader", Words{"+@read", "~pub:*"}).ok());
  EXPECT_THAT(users.SetUser("u", Words{"on", "role:nosuch"}).error().text(),
              HasSubstr("no such role"));
  ASSERT_TRUE(users.SetUser("u", Words{"on", "nopass", "role:reader"}).ok());
  const AclAccountRef account = users.Find("u");
  const TableEntry& get = *Table().Find("get");
  const Words request{"get", "pub:1"};
  EXPECT_TRUE(account->user->Check(get, request).ok());
  const auto changes = users.SetRole("reader", Words{"resetkeys"});
  ASSERT_TRUE(changes.ok());
  EXPECT_EQ(changes->size(), 1U);
  EXPECT_FALSE(account->user->Check(get, request).ok());
  EXPECT_THAT(users.DeleteRoles(Words{"reader"}).error().text(), HasSubstr("held by the user 'u'"));
  ASSERT_TRUE(users.SetUser("u", Words{"-role:reader"}).ok());
  EXPECT_EQ(users.DeleteRoles(Words{"reader", "nosuch"})->count, 1);
  EXPECT_THAT(users.SetRole("r", Words{"on"}).error().text(), HasSubstr("Roles have rules for"));
  EXPECT_THAT(users.SetRole("r", Words{"role:x"}).error().text(),
              HasSubstr("Roles have rules for"));
}

TEST(AclUsers, ChangesAreMadeWholeOrNotAtAll) {
  AclUsers users(Table());
  using Words = std::vector<std::string_view>;
  ASSERT_TRUE(users.SetUser("u", Words{"on", "+get"}).ok());
  const std::string before = AclUsers::Line(users.Find("u")->user->rules());
  EXPECT_FALSE(users.SetUser("u", Words{"+set", "~x", "+nosuch"}).ok());
  EXPECT_EQ(AclUsers::Line(users.Find("u")->user->rules()), before);
  EXPECT_FALSE(users.SetUser("new", Words{"+nosuch"}).ok());
  EXPECT_EQ(users.Find("new"), nullptr);
  EXPECT_FALSE(users.DeleteUsers(Words{"u", "default"}).ok());
  EXPECT_NE(users.Find("u"), nullptr);
}

TEST(AclUsers, LoginsNeedAnEnabledUserAndOneOfThePasswords) {
  AclUsers users(Table());
  using Words = std::vector<std::string_view>;
  ASSERT_TRUE(users.SetUser("u", Words{"on", ">a", ">b"}).ok());
  EXPECT_NE(users.Authenticate("u", "a"), nullptr);
  EXPECT_NE(users.Authenticate("u", "b"), nullptr);
  EXPECT_EQ(users.Authenticate("u", ""), nullptr);
  EXPECT_EQ(users.Authenticate("u", "c"), nullptr);
  EXPECT_EQ(users.Authenticate("nobody", "a"), nullptr);
  ASSERT_TRUE(users.SetUser("u", Words{"off"}).ok());
  EXPECT_EQ(users.Authenticate("u", "a"), nullptr);
  EXPECT_TRUE(users.is_open());
  users.SetDefaultPassword("secret");
  EXPECT_FALSE(users.is_open());
  EXPECT_EQ(users.Authenticate("default", "x"), nullptr);
  EXPECT_NE(users.Authenticate("default", "secret"), nullptr);
  users.SetDefaultPassword("");
  EXPECT_TRUE(users.is_open());
}

}  // namespace
}  // namespace peal::broker
