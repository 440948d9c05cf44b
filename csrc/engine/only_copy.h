#pragma once

#include <string>

namespace llm2clip {

// Throws ERR_ENGINE_INCOMPATIBLE where opening this library would bring a second copy of it into
// the process: one of the same name that something else has loaded from another file. Two
// libtorches register their operators twice, which ends the process; of two TensorRTs, what is
// asked for by name is either's. Libraries that do not mind pass, and so does one that is not
// there.
void require_only_copy(const std::string& path);

}  // namespace llm2clip
