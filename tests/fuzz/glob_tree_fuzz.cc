// The tree must report exactly the patterns that the plain matcher accepts, whatever is inserted,
// removed and published in whatever order. Input: lines; '+pattern' inserts, '-pattern' removes,
// anything else is a channel. '#pattern' inserts twenty variants, so that groups come to be.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "patterns/glob.h"
#include "patterns/pattern_tree.h"

namespace {

using peal::patterns::PatternId;
using Model = std::map<std::string, PatternId, std::less<>>;

void Insert(peal::patterns::PatternTree& tree, Model& model, std::string pattern) {
  bool inserted = false;
  const PatternId id = tree.Insert(pattern, &inserted);
  const auto [at, is_new] = model.emplace(std::move(pattern), id);
  if (inserted != is_new || at->second != id) std::abort();
}

void Remove(peal::patterns::PatternTree& tree, Model& model, std::string_view pattern) {
  const auto at = model.find(pattern);
  const auto found = tree.Find(pattern);
  if (found.has_value() != (at != model.end())) std::abort();
  if (!found) return;
  tree.Remove(*found);
  model.erase(at);
}

void Check(const peal::patterns::PatternTree& tree, const Model& model, std::string_view channel) {
  peal::patterns::MatchScratch scratch;
  std::vector<PatternId> found;
  tree.Match(channel, scratch, found);
  std::vector<PatternId> expected;
  for (const auto& [pattern, id] : model)
    if (peal::patterns::GlobMatch(pattern, channel)) expected.push_back(id);
  std::sort(found.begin(), found.end());
  std::sort(expected.begin(), expected.end());
  if (found != expected) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 4'096) return 0;
  peal::patterns::PatternTree tree;
  Model model;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    const char action = line.empty() ? ' ' : line[0];
    if (action == '+') {
      Insert(tree, model, std::string(line.substr(1)));
    } else if (action == '-') {
      Remove(tree, model, line.substr(1));
    } else if (action == '#') {
      for (char variant = 'a'; variant < 'a' + 20 && model.size() < 4'000; ++variant)
        Insert(tree, model, std::string(line.substr(1)) + "*" + variant);
    } else {
      Check(tree, model, line);
    }
    if (tree.size() != model.size()) std::abort();
  }
  for (const auto& [pattern, id] : model) tree.Remove(id);
  if (!tree.empty()) std::abort();
  return 0;
}
