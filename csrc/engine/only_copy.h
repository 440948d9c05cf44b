#pragma once

#include <string>

namespace llm2clip {

// Throws ERR_ENGINE_INCOMPATIBLE where opening this library would bring a second copy of it into
// the process: one of the same name that something else has loaded from another file. Two
// libtorches register their operators twice, which ends the process; of two TensorRTs, what is
// asked for by name is either's. Libraries that do not mind pass, and so does one that is not
// there.
void require_only_copy(const std::string& path);

// What a plugin of which a process can have one copy exports under this name, whatever its value.
inline constexpr const char* kOnlyOneSymbol = "llm2clip_only_one";

// The same of such a plugin: of two installations of llm2clip in one process, both would register
// their operators with the one libtorch, which never returns from that.
void require_only_plugin(const std::string& path);

}  // namespace llm2clip
