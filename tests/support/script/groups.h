#pragma once

#include "tests/support/script/vocabulary.h"

namespace peal::tests {

// A random command of each group of types.
CommandLine StringCommand(Vocabulary& words);
CommandLine BitmapCommand(Vocabulary& words);
CommandLine HyperLogLogCommand(Vocabulary& words);
CommandLine ListCommand(Vocabulary& words);
CommandLine SetCommand(Vocabulary& words);
CommandLine HashCommand(Vocabulary& words);
CommandLine SortedSetCommand(Vocabulary& words);
CommandLine GeoCommand(Vocabulary& words);
CommandLine StreamCommand(Vocabulary& words);
/// Also what Redis 8 has added.
CommandLine LaterStreamCommand(Vocabulary& words);
/// Keys of all types: their times, SORT, COPY, RENAME, MOVE, DUMP and so on; values come from the
/// other groups.
CommandLine GenericCommand(Vocabulary& words);
/// MULTI, EXEC, WATCH and commands of all groups between them.
CommandLine TransactionCommand(Vocabulary& words);
/// A command of any of the groups that deal with one type.
CommandLine AnyTypeCommand(Vocabulary& words);

struct ScriptGroup {
  const char* name;
  CommandLine (*make)(Vocabulary& words);
};

inline constexpr ScriptGroup kScriptGroups[] = {{"string", StringCommand},
                                                {"bitmap", BitmapCommand},
                                                {"hyperloglog", HyperLogLogCommand},
                                                {"list", ListCommand},
                                                {"set", SetCommand},
                                                {"hash", HashCommand},
                                                {"zset", SortedSetCommand},
                                                {"geo", GeoCommand},
                                                {"stream", StreamCommand},
                                                {"generic", GenericCommand},
                                                {"transactions", TransactionCommand}};

}  // namespace peal::tests
