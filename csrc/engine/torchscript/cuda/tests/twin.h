#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace llm2clip {

// What the program `twin` does with an engine file, as a session on a GPU would, over the kernels'
// twins on the host. Both write f32 to standard output.

// The embeddings [B, E] of pixels [B, 3, size, size], once patches made ahead have given the same;
// then what leaves each of `layers` [B, patches, D], of layer -1 the patches in the space of the
// embeddings [B, patches, E]; and the operators that forward calls to standard error.
void run_pictures(torch::jit::Module& module, const std::vector<float>& pixels, int64_t size,
                  const std::vector<int64_t>& layers);

// [B, D] of all inputs at once, then of each alone. Texts are int32 [tokens, pooled, ids …], one
// after the other; features [B, size].
void run_texts(torch::jit::Module& module, const std::vector<int32_t>& texts);
void run_features(torch::jit::Module& module, const std::vector<float>& features, int64_t size);

// To standard output.
void write_floats(const at::Tensor& tensor);

}  // namespace llm2clip
