#pragma once

#include <cstdint>
#include <string>

namespace llm2clip {

// The number of threads that this process can keep busy, at least 1. It is the number of processors
// on which the calling thread may run, or fewer if its control group (version 1 or 2) has a quota.
// lib/runtime/processors.ts has the same rule. `root` is the folder that contains /proc and /sys.
int64_t usable_processors(const std::string& root = "/");

}  // namespace llm2clip
