// Configuration text of any octets: no crash, and what is accepted survives a rewrite.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "broker/config/store.h"
#include "broker/config/words.h"
#include "protocol/base/check.h"
#include "protocol/base/text.h"

using peal::broker::ConfigStore;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Quoting is undone by splitting, whatever the octets.
  const auto words = peal::broker::SplitWords(peal::broker::QuoteWord(text));
  PEAL_CHECK(words && words->size() == 1 && (*words)[0] == text);

  // Files named by the input are not ours to open.
  const std::string lower = peal::protocol::LowerCase(text);
  if (lower.find("include") != std::string::npos || lower.find('\\') != std::string::npos) return 0;

  ConfigStore store;
  const bool is_accepted = store.LoadText(text, "fuzz").ok();
  const std::string_view all[] = {"*"};
  static_cast<void>(store.Get(all));
  static_cast<void>(store.Describe());
  static_cast<void>(store.Notices());
  if (!is_accepted) return 0;

  // Give every run-time value by CONFIG SET, so that the rewrite has to write it.
  ConfigStore live;
  for (const peal::broker::Directive& row : peal::broker::Directives()) {
    if (row.has(peal::broker::kFixed) || row.has(peal::broker::kProtected)) continue;
    const ConfigStore::Pair pair[] = {{row.name, store.Text(row.name)}};
    PEAL_CHECK(live.Set(pair, false).ok());
  }
  ConfigStore again;
  PEAL_CHECK(again.LoadText(live.RewriteText("", nullptr), "rewritten").ok());
  PEAL_CHECK(again.Get(all) == live.Get(all));
  return 0;
}
