#pragma once

// The one door through which libuv enters Peal. Only broker/net and broker/exec/worker.cc include
// it.
#include <uv.h>
