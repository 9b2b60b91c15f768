# Writes UNIT, a C++ source file, unless it holds the same already. SOURCE must be the top of a git
# work tree for the commit to be known: a copy of the sources inside somebody else's says nothing.
set(commit unknown)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-toplevel
    OUTPUT_VARIABLE top ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  file(REAL_PATH ${SOURCE} source)
  if(top STREQUAL source)
    execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=12 HEAD
      OUTPUT_VARIABLE found RESULT_VARIABLE status ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(status EQUAL 0)
      set(commit ${found})
      execute_process(COMMAND ${GIT} -C ${SOURCE} diff-index --quiet HEAD
        RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
      if(status EQUAL 1)
        string(APPEND commit "-dirty")
      endif()
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${UNIT} CONTENT [[
// Generated at each build; see cmake/WriteVersion.cmake.
#include "broker/config/options.h"

namespace peal::broker {

const char* PealVersion() { return "@VERSION@"; }
const char* PealCommit() { return "@commit@"; }

}  // namespace peal::broker
]] @ONLY)
