#include "engine/torchscript/cuda/patch_embedding.h"

#include <ATen/ATen.h>

#include "engine/torchscript/cuda/graph_nodes.h"

namespace llm2clip {

Dtype PatchEmbedding::type() const {
  switch (weight.scalar_type()) {
    case at::kHalf: return Dtype::kF16;
    case at::kBFloat16: return Dtype::kBF16;
    default: return Dtype::kF32;
  }
}

std::optional<PatchEmbedding> patch_embedding_of(const torch::jit::Module& module, int64_t size) {
  namespace jit = torch::jit;
  const auto graph = module.get_method("forward").graph();
  const auto& uses = graph->inputs().at(1)->uses();  // input 0 is the module
  if (uses.size() != 1) return std::nullopt;
  const jit::Node* node = uses[0].user;
  if (!calls(node, "patch_embed")) return std::nullopt;
  const auto patch = jit::constant_as<int64_t>(node->input(5));
  const auto weight = attribute(node->input(1));
  if (!patch || !weight) return std::nullopt;
  const at::Tensor rows = module.attr(*weight).toTensor();
  return PatchEmbedding{
      {static_cast<int>(size), static_cast<int>(*patch), static_cast<int>(rows.size(1))}, rows};
}

}  // namespace llm2clip
