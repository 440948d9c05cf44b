#pragma once

#include <cstdint>
#include <optional>

#include "batch/input.h"

namespace llm2clip {

// What a run gives of each of its inputs: its embedding; of an image instead numbers of each patch;
// of a text instead the feature that the language model makes of it.
enum class OutputKind { kEmbedding, kPatches, kFeature };

// What is asked of an input. Requests that differ in this share no run.
struct Output {
  InputKind input = InputKind::kImage;
  OutputKind kind = OutputKind::kEmbedding;
  std::optional<int64_t> layer = {};  // of patches: what leaves it; none: in the embeddings' space

  bool operator==(const Output&) const = default;
};

}  // namespace llm2clip
