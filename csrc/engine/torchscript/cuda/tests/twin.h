#pragma once

#include <torch/csrc/jit/api/module.h>

#include <string>
#include <vector>

namespace llm2clip {

// The program `twin` runs an engine file like a session on a GPU, with the kernels' twins on the
// host. Both functions write f32 to standard output.

// Writes the embeddings [B, E] of pixels [B, 3, size, size], after checking that patches made
// beforehand give the same. Then it writes the output of each of the `layers`, [B, patches, D];
// layer -1 means the patch embeddings, [B, patches, E]. The names of the operators that forward()
// calls go to standard error.
void run_images(torch::jit::Module& module, const std::vector<float>& pixels, int64_t size,
                const std::vector<int64_t>& layers);

// Writes [B, D]: first for all inputs at once, then for each one alone. Texts are int32 [tokens,
// pooled, ids …], one after the other, and features f32 [B, size].
void run_texts(torch::jit::Module& module, const std::vector<int32_t>& texts);
void run_features(torch::jit::Module& module, const std::vector<float>& features, int64_t size);

// Writes to standard output.
void write_floats(const at::Tensor& tensor);

}  // namespace llm2clip
