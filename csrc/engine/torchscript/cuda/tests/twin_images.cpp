#include <ATen/ATen.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/graph_rewrites.h"
#include "engine/torchscript/cuda/patch_embedding.h"
#include "engine/torchscript/cuda/tests/twin.h"
#include "engine/torchscript/session/loaded_module.h"

namespace llm2clip {
namespace {

void print_operators(const torch::jit::Module& module) {
  for (const torch::jit::Node* node : module.get_method("forward").graph()->nodes()) {
    const std::string kind = node->kind().toQualString();
    if (kind.starts_with("llm2clip::")) std::fprintf(stderr, "%s\n", kind.c_str());
  }
}

// Makes the patches that the patch embedding accepts in place of pixels.
at::Tensor made_ahead(const at::Tensor& pixels, const PatchEmbedding& embedding) {
  const PatchGrid& grid = embedding.grid;
  at::Tensor patches =
      at::empty({pixels.size(0), grid.count(), grid.padded}, embedding.weight.options());
  for_element(patches, [&]<typename T>() {
    patches_cuda(elements<float>(pixels), mutable_elements<T>(patches), grid, pixels.size(0),
                 nullptr);
  });
  return patches;
}

}  // namespace

void run_images(torch::jit::Module& module, const std::vector<float>& pixels, int64_t size,
                const std::vector<int64_t>& layers) {
  fuse_head(module);
  print_operators(module);
  const auto batch = static_cast<int64_t>(pixels.size()) / (3 * size * size);
  const at::Tensor images = at::tensor(pixels).view({batch, 3, size, size});
  const auto embedding = patch_embedding_of(module, size);
  if (!embedding) throw std::runtime_error("expected an embedding of patches, found none");
  const at::Tensor out = embeddings_of(module.forward({images}), batch);
  const at::Tensor patches = made_ahead(images, *embedding);
  if (!embeddings_of(module.forward({patches}), batch).equal(out)) {
    throw std::runtime_error("expected the same of patches made ahead, found others");
  }
  write_floats(out);
  for (const int64_t layer : layers) write_floats(patches_of(module, {patches}, layer, batch));
}

}  // namespace llm2clip
