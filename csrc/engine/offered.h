#pragma once

#include <string>

#include "base/error.h"

namespace llm2clip {

// What is said of all that only some engines offer.
inline Error not_offered(const std::string& what) {
  return {ErrorCode::kEngineIncompatible,
          "expected an engine that offers " + what + ", found one that does not"};
}

// A tool that an engine hands out. Throws ERR_ENGINE_INCOMPATIBLE where it has none.
template <typename Tool>
Tool& require_offered(Tool* tool, const std::string& what) {
  if (tool == nullptr) throw not_offered(what);
  return *tool;
}

}  // namespace llm2clip
