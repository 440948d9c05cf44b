#pragma once

#include <cstdint>
#include <optional>

#include "batch/input.h"

namespace llm2clip {

// The output of a run for each input: its embedding; for an image also the values of each patch;
// for a text also the language model's feature.
enum class OutputKind { kEmbedding, kPatches, kFeature };

// The requested output of an input. Requests with different outputs never share a run.
struct Output {
  InputKind input = InputKind::kImage;
  OutputKind kind = OutputKind::kEmbedding;
  std::optional<int64_t> layer = {};  // for patches; without it, in the embeddings' space

  bool operator==(const Output&) const = default;
};

}  // namespace llm2clip
