// Runs a native engine file as a session on a GPU would, over the kernels' twins on the host:
// twin_session PLUGIN MODEL PIXELS SIZE [LAYER…] writes the embeddings [B, E] f32 of pixels
// [B, 3, S, S] f32 to standard output, once patches made ahead have given the same; then what
// leaves each of these layers [B, patches, D], of layer -1 the patches in the space of the
// embeddings [B, patches, E]; and the operators that forward calls to standard error. PLUGIN is
// llm2clip_torchscript.so, which names them.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/fused_head.h"
#include "engine/torchscript/cuda/padded_weights.h"
#include "engine/torchscript/cuda/patch_embedding.h"
#include "engine/torchscript/loaded_module.h"

namespace {

at::Tensor read_pixels(const char* path, int64_t size) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  const int64_t picture = 3 * size * size;
  at::Tensor pixels =
      at::empty({static_cast<int64_t>(bytes.size() / sizeof(float)) / picture, 3, size, size});
  std::copy(bytes.begin(), bytes.end(), static_cast<char*>(pixels.mutable_data_ptr()));
  return pixels;
}

void print_operators(const torch::jit::Module& module) {
  for (const torch::jit::Node* node : module.get_method("forward").graph()->nodes()) {
    const std::string kind = node->kind().toQualString();
    if (kind.starts_with("llm2clip::")) std::fprintf(stderr, "%s\n", kind.c_str());
  }
}

void write(const at::Tensor& out) {
  std::fwrite(out.const_data_ptr(), sizeof(float), static_cast<size_t>(out.numel()), stdout);
}

// What the embedding of patches takes in place of pixels.
at::Tensor made_ahead(const at::Tensor& pixels, const llm2clip::PatchEmbedding& embedding) {
  const llm2clip::PatchGrid& grid = embedding.grid;
  at::Tensor patches =
      at::empty({pixels.size(0), grid.count(), grid.padded}, embedding.weight.options());
  llm2clip::for_element(patches, [&]<typename T>() {
    llm2clip::patches_cuda(llm2clip::elements<float>(pixels),
                           llm2clip::mutable_elements<T>(patches), grid, pixels.size(0), nullptr);
  });
  return patches;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 2;
  if (::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  const c10::InferenceMode guard;
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  torch::jit::Module module = torch::jit::load(arguments[2], at::kCPU);
  module.eval();
  llm2clip::move_and_pad_weights(module, at::kCPU);
  llm2clip::fuse_head(module);
  print_operators(module);
  const at::Tensor pixels = read_pixels(arguments[3], std::atoll(arguments[4]));
  const int64_t batch = pixels.size(0);
  const auto embedding = llm2clip::patch_embedding_of(module, pixels.size(2));
  if (!embedding) return 3;
  const at::Tensor out = llm2clip::embeddings_of(module.forward({pixels}), batch);
  const at::Tensor patches = made_ahead(pixels, *embedding);
  if (!llm2clip::embeddings_of(module.forward({patches}), batch).equal(out)) return 4;
  write(out);
  for (int i = 5; i < count; ++i) {
    write(llm2clip::patches_of(module, {patches}, std::atoll(arguments[i]), batch));
  }
  return 0;
}
