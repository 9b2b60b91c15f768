#pragma once

// The one door to Lua 5.1. The library linked is the distribution's build of it as C++: a Lua error
// is a C++ exception there, so objects on the way are destroyed. No function that Lua calls may be
// noexcept.
extern "C" {
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
}
