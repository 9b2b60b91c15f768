// Error, Result and Ref.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/base/number.h"
#include "protocol/base/ref.h"
#include "protocol/base/result.h"
#include "protocol/base/text.h"

namespace peal::protocol {
namespace {

TEST(ErrorText, IsSharedWhenStaticAndCopiedWhenOwned) {
  static constexpr char kText[] = "ERR static";
  const Error literal = Error::Static(kText);
  const Error copy = literal;
  EXPECT_EQ(copy.text().data(), kText);

  std::string text = "ERR owned";
  Error owned = Error::Owned(text);
  text = "changed!!";
  EXPECT_EQ(owned.text(), "ERR owned");
  Error second = owned;
  EXPECT_NE(second.text().data(), owned.text().data());
  second = std::move(owned);
  EXPECT_EQ(second.text(), "ERR owned");
  second = errors::kWrongType;
  EXPECT_EQ(second.code(), "WRONGTYPE");
  const Error& itself = second;
  second = itself;
  EXPECT_EQ(second, errors::kWrongType);
  EXPECT_LE(sizeof(Error), 16u);
}

TEST(ErrorText, NamesTheCommand) {
  EXPECT_EQ(errors::InvalidExpire("set").text(), "ERR invalid expire time in 'set' command");
  EXPECT_EQ(errors::WrongArity("config|get").text(),
            "ERR wrong number of arguments for 'config|get' command");
  EXPECT_EQ(errors::UnknownSubcommand("config", "a\nb").text(),
            "ERR unknown subcommand 'a b'. Try CONFIG HELP.");
  const std::string_view args[] = {"FOO", "a", "b"};
  EXPECT_EQ(errors::UnknownCommand(args, 3).text(),
            "ERR unknown command 'FOO', with args beginning with: 'a' 'b' ");
  EXPECT_EQ(errors::UnknownCommand(args, 0).text(),
            "ERR unknown command '', with args beginning with: ");
}

TEST(ErrorText, QuotesABoundedPartOfTheRequest) {
  const std::string huge(1'000'000, 'x');
  const std::vector<std::string_view> args(10'000, huge);
  EXPECT_LT(errors::UnknownCommand(args.data(), args.size()).text().size(), 400u);
  EXPECT_LT(errors::UnknownSubcommand("config", huge).text().size(), 200u);
}

Result<int64_t> Doubled(std::string_view text) {
  const auto number = ParseInt64(text);
  if (!number) return errors::kNotInteger;
  return *number * 2;
}

Result<std::string> Shown(std::string_view text) {
  PEAL_ASSIGN_OR_RETURN(const int64_t twice, Doubled(text));
  PEAL_ASSIGN_OR_RETURN(const int64_t again, Doubled(std::to_string(twice)));
  return std::to_string(again);
}

Result<void> Checked(std::string_view text) {
  PEAL_RETURN_IF_ERROR(Doubled(text));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(Shown("21").value(), "84");
  ASSERT_FALSE(Shown("x").ok());
  EXPECT_EQ(Shown("x").error(), errors::kNotInteger);
  EXPECT_TRUE(Checked("1").ok());
  EXPECT_EQ(Checked("y").error(), errors::kNotInteger);
}

TEST(Result, HoldsWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result.ok());
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

class Counted : public RefCounted<Counted> {
 public:
  explicit Counted(int* destroyed) : destroyed_(destroyed) {}
  static void Destroy(Counted* object) {
    ++*object->destroyed_;
    delete object;
  }

 private:
  int* destroyed_;
};

TEST(Ref, DestroysOnceWhenTheLastHolderGoes) {
  int destroyed = 0;
  {
    Ref<Counted> first = MakeRef<Counted>(&destroyed);
    EXPECT_TRUE(first->IsUnique());
    Ref<Counted> second = first;
    Ref<const Counted> third = second;
    EXPECT_EQ(first->ref_count(), 3u);
    first.reset();
    second = nullptr;
    EXPECT_EQ(destroyed, 0);
    EXPECT_TRUE(third->IsUnique());
  }
  EXPECT_EQ(destroyed, 1);
}

TEST(Ref, HandsItsReferenceOver) {
  int destroyed = 0;
  Ref<Counted> ref = MakeRef<Counted>(&destroyed);
  Counted* const raw = ref.Leak();
  EXPECT_FALSE(ref);
  raw->AddRefs(2);
  EXPECT_EQ(raw->ref_count(), 3u);
  raw->Release();
  const Ref<Counted> shared = Ref<Counted>::Share(raw);
  raw->Release();
  raw->Release();
  EXPECT_EQ(destroyed, 0);
  EXPECT_EQ(shared->ref_count(), 1u);
}

TEST(Ref, MayBeDroppedOnAnyThread) {
  int destroyed = 0;
  for (int round = 0; round < 200; ++round) {
    Ref<Counted> ref = MakeRef<Counted>(&destroyed);
    std::thread other([copy = ref]() mutable { copy.reset(); });
    ref.reset();
    other.join();
  }
  EXPECT_EQ(destroyed, 200);
}

TEST(Text, ComparesAsciiWithoutCase) {
  EXPECT_TRUE(EqualsIgnoreCase("KeepTTL", "KEEPTTL"));
  EXPECT_FALSE(EqualsIgnoreCase("EX", "EXAT"));
  EXPECT_FALSE(EqualsIgnoreCase("[", "{"));
  EXPECT_FALSE(EqualsIgnoreCase("\xe4", "\xc4"));
  EXPECT_EQ(LowerCase("A1\xc4z"), "a1\xc4z");
  EXPECT_EQ(UpperCase("a1z"), "A1Z");
}

}  // namespace
}  // namespace peal::protocol
