#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip {

// Opens the vendor's libraries in order, then the plugin, all by absolute path, and returns its
// engine. Nothing is ever closed again, because engines leave threads behind. Throws
// ERR_RUNTIME_MISSING when a library cannot be opened, and ERR_ENGINE_INCOMPATIBLE for a plugin of
// another interface version. It also throws the latter, before anything is opened, when the process
// has another copy of the plugin or of a vendor's library.
std::shared_ptr<Engine> open_plugin(const std::string& path,
                                    const std::vector<std::string>& libraries);

}  // namespace llm2clip
