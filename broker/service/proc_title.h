#pragma once

#include <string_view>

namespace peal::broker {

/// What the list of processes shows for this one: the memory behind argv, as Linux lays it out.
/// Changes are for one thread at a time; there is one title for each process.
class ProcTitle {
 public:
  /// Finds the room for titles, and moves the environment, which lies in it, elsewhere. At the
  /// beginning of main, before any thread; `argv` is not to be read after the first Set.
  static void Init(int argc, char** argv);

  /// Shows `title`, cut to the room there is. Does nothing before Init.
  static void Set(std::string_view title);
};

}  // namespace peal::broker
