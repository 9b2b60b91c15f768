#include "broker/config/reference.h"

#include "broker/config/directive.h"

namespace peal::broker {
namespace {

constexpr std::string_view kHead = R"(# Configuration

Made from the server's table of directives by `peal-server --print-config-reference`; do not edit.

Directives come from a file in redis.conf grammar, from `PEAL_*` environment variables and from the
command line. A later one in this list wins: default, file, environment, command line, `CONFIG SET`.

```
peal-server /etc/peal/peal.conf --port 7000 --save ""
PEAL_MAXMEMORY=1gb PEAL_CLIENT_OUTPUT_BUFFER_LIMIT="pubsub 64mb 16mb 30" peal-server
echo "port 7000" | peal-server -
```

- One directive a line: a name, then words. `"double"` quotes know `\n`, `\t`, `\xHH`, `\"`; `'single'`
  quotes know `\'`. Lines beginning with `#` are comments. `include path` reads another file; globs work.
- Memory is a number of bytes or has a unit: `k` 1000, `kb` 1024, and so on with `m`, `mb`, `g`, `gb`.
- In the environment, dashes become underscores: `PEAL_TCP_BACKLOG=1024`. `PEAL_CONFIG` names the file
  if the command line does not. Values from the environment are not written by `CONFIG REWRITE`.
- `peal-server --test-config …` checks all of it and prints what is not at its default, and where that
  was said. An unknown directive stops the start and is named with file, line and the nearest known name.
- `rename-command NAME NEW` renames a command, with `""` removes it.
- *Start* in the tables: changeable only by a restart. *Protected*: `CONFIG SET` needs
  `enable-protected-configs`. *Peal*: not a redis.conf directive.

)";

// A cell of a table: '|' would end it.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out.push_back('\\');
    out.push_back(c);
  }
  return out;
}

std::string Marks(const Directive& row) {
  std::string marks;
  const auto add = [&marks](std::string_view mark) {
    if (!marks.empty()) marks.append(", ");
    marks.append(mark);
  };
  if (row.has(kFixed)) add("start");
  if (row.has(kProtected)) add("protected");
  if (row.has(kPealOnly)) add("Peal");
  return marks;
}

void AppendRow(std::string& out, const Directive& row) {
  out.append("| `").append(row.name).append("`");
  if (!row.alias.empty()) out.append(" (`").append(row.alias).append("`)");
  out.append(" | ");
  const std::string_view value = row.type == DirectiveType::kDirectory ? "" : row.default_text;
  if (!value.empty()) out.append("`").append(Cell(value)).append("`");
  out.append(" | ").append(Cell(DescribeType(row)));
  out.append(" | ").append(Marks(row));
  out.append(" | ").append(Cell(row.summary)).append(" |\n");
}

void AppendGroups(std::string& out, DirectiveStatus status) {
  for (size_t i = 0; i < kDirectiveGroups; ++i) {
    const auto group = static_cast<DirectiveGroup>(i);
    bool has_head = false;
    for (const Directive& row : Directives()) {
      if (row.group != group || row.status != status || row.has(kHidden)) continue;
      if (!has_head) {
        out.append("### ").append(GroupTitle(group)).append("\n\n");
        out.append("| Directive | Default | Values | | |\n|---|---|---|---|---|\n");
        has_head = true;
      }
      AppendRow(out, row);
    }
    if (has_head) out.append("\n");
  }
}

}  // namespace

std::string ConfigReference() {
  std::string out(kHead);
  out.append("## Directives\n\n");
  AppendGroups(out, DirectiveStatus::kActive);
  out.append(
      "## Accepted without effect\n\nDirectives of redis.conf that this version accepts so that an "
      "existing file works. Their values are\nchecked and kept for `CONFIG GET`, `SET` and "
      "`REWRITE`; the log names those that were changed.\n\n");
  AppendGroups(out, DirectiveStatus::kAccepted);
  out.pop_back();
  return out;
}

}  // namespace peal::broker
