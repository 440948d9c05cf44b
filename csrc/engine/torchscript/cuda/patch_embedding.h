#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>

#include "base/dtype.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// The patch embedding at the beginning of a native module.
struct PatchEmbedding {
  PatchGrid grid;
  at::Tensor weight;  // [width, grid.padded]

  Dtype type() const;
};

// Returns the patch embedding for images [3, size, size]; the weights must be padded already.
// Returns nothing if the graph's input has other uses.
std::optional<PatchEmbedding> patch_embedding_of(const torch::jit::Module& module, int64_t size);

}  // namespace llm2clip
