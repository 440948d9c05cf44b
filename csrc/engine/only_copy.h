#pragma once

#include <string>

namespace llm2clip {

// Throws ERR_ENGINE_INCOMPATIBLE if opening this library would load a second copy of it into the
// process: one with the same name is already loaded from another file. Two copies of libtorch
// register their operators twice, which ends the process. With two copies of TensorRT, a symbol may
// come from either. Libraries of other vendors and missing files pass the check.
void require_only_copy(const std::string& path);

// A plugin of which a process can load only one copy exports a symbol with this name. Its value
// does not matter.
inline constexpr const char* kOnlyOneSymbol = "llm2clip_only_one";

// The same check for such a plugin. If a process has two installations of llm2clip, both plugins
// would register their operators with one libtorch, and the second registration never returns.
void require_only_plugin(const std::string& path);

}  // namespace llm2clip
