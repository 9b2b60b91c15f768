#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace peal::tests {

/// A command and its arguments.
using CommandLine = std::vector<std::string>;

/// The groups of keys that scripts use; each has names of its own, so that most commands find the
/// type they want.
enum class KeyKind {
  kString,
  kList,
  kSet,
  kHash,
  kZset,
  kStream,
  kGeo,
  kHyperLogLog,
  kBitmap,
  /// Sorted sets whose scores are all the same: what ranges by member want. Redis promises nothing
  /// about others.
  kLexZset
};
/// Those that commands of other groups come across: all but kLexZset.
inline constexpr int kKeyKinds = 9;

/// The words of random scripts: mostly right, often odd and sometimes wrong. One seed makes one
/// script.
///
/// Times are far away or past, so that no reply depends on when it is asked for. Offsets that make
/// values of more than some kilobytes are left out.
class Vocabulary {
 public:
  explicit Vocabulary(uint64_t seed) : random_(seed) {}

  // --- Choices.

  bool OneIn(int n) { return Number(n) == 0; }
  /// In [0, bound).
  int Number(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }
  /// In [low, high).
  double Real(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(random_);
  }
  template <size_t N>
  std::string Pick(const char* const (&choices)[N]) {
    return choices[Number(N)];
  }
  /// `word`, in small letters now and then.
  std::string Option(const char* word);

  // --- Words.

  /// A key that mostly has the kind of the group, or is missing; else of any kind, or oddly named.
  std::string Key(KeyKind kind);
  std::string AnyKey() { return Key(static_cast<KeyKind>(Number(kKeyKinds))); }
  /// 1..most keys.
  CommandLine Keys(KeyKind kind, int most);
  /// The number of keys, mostly right, and the keys.
  CommandLine NumberedKeys(KeyKind kind, int most);
  /// The number of a database, mostly one of three.
  std::string Database();

  /// Any string: integers, empty, binary, around the limits of encodings.
  std::string Value();
  /// A member of a set, field of a hash or element of a list: few different ones, now and then one
  /// of 64 or 65 octets, or odd.
  std::string Member();
  /// A member for the `index`th of many that are added at once.
  std::string MemberOf(int index);
  /// How many to add at once: mostly few, now and then around a limit of encodings.
  int Many();

  /// A small integer, or what is none, or is out of range.
  std::string Integer();
  /// As Integer, as an index into a value.
  std::string Index();
  /// As Integer, as a number of elements; large negative ones included.
  std::string Count();
  /// As Count, where a negative one asks for so many with repeats: none that would take forever.
  std::string RepeatCount();
  std::string Float();
  /// A score: as Float, mostly a small one.
  std::string Score();
  /// An end of a range of scores.
  std::string ScoreBound();
  /// An end of a range of members.
  std::string LexBound();
  std::string Glob();
  std::string Seconds();
  std::string Timestamp(bool in_ms);
  /// A time to block that ends at once, or is none.
  std::string Timeout();

  // --- Commands.

  struct Choice {
    int weight;
    CommandLine (*make)(Vocabulary& words);
  };
  /// A command of one of `choices`, damaged or in small letters now and then.
  CommandLine Command(std::span<const Choice> choices);
  /// Drops or adds an argument, or renames.
  void Damage(CommandLine& command);

 private:
  std::mt19937_64 random_;
};

/// Appends `more` to `command`.
inline CommandLine Join(CommandLine command, const CommandLine& more) {
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

}  // namespace peal::tests
