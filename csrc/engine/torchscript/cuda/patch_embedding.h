#pragma once

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>

#include "base/dtype.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// What a native module makes of its pictures first.
struct PatchEmbedding {
  PatchGrid grid;
  at::Tensor weight;  // [width, grid.padded]

  Dtype type() const;
};

// Of pictures [3, size, size], once the weights are padded; none where the graph's input goes
// anywhere else.
std::optional<PatchEmbedding> patch_embedding_of(const torch::jit::Module& module, int64_t size);

}  // namespace llm2clip
