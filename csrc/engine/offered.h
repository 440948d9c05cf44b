#pragma once

#include <string>

#include "base/error.h"

namespace llm2clip {

// The error for tools that this engine does not offer.
inline Error not_offered(const std::string& what) {
  return {ErrorCode::kEngineIncompatible,
          "expected an engine that offers " + what + ", found one that does not"};
}

// Returns a tool of an engine. Throws ERR_ENGINE_INCOMPATIBLE if the engine has none.
template <typename Tool>
Tool& require_offered(Tool* tool, const std::string& what) {
  if (tool == nullptr) throw not_offered(what);
  return *tool;
}

}  // namespace llm2clip
