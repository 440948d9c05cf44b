#pragma once

#include <cstdint>
#include <optional>

namespace llm2clip {

// What a run gives of each of its inputs: one vector, or numbers of each patch of a picture.
// Requests of different outputs share no run.
struct Output {
  bool patches = false;
  std::optional<int64_t> layer = {};  // of patches: what leaves it; none: in the embeddings' space

  bool operator==(const Output&) const = default;
};

}  // namespace llm2clip
