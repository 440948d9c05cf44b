#include "engine/torchscript/cuda/graph_rewrites.h"

#include <ATen/ATen.h>

#include "engine/torchscript/cuda/graph_nodes.h"
#include "kernels/cuda/norm_head.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

// Returns the node of the graph's output, without a final conversion to f32.
jit::Node* last_node(jit::Graph& graph) {
  jit::Node* const node = graph.outputs().at(0)->node();
  return node->kind() == c10::aten::to ? node->input(0)->node() : node;
}

// True when the norm with this weight is narrow enough for norm_head.
bool is_narrow(const jit::Module& module, const jit::Value* weight) {
  const auto name = attribute(weight);
  return name && module.attr(*name).toTensor().numel() <= kWidestHead;
}

// Returns the norm before `linear`, if only `linear` reads it, and reads only its normalised
// output.
jit::Node* norm_before(jit::Node* linear) {
  jit::Value* const normal = linear->input(0);
  jit::Node* const norm = normal->node();
  if (!calls(norm, "add_layer_norm") || norm->output(0)->hasUses()) return nullptr;
  return normal == norm->output(1) && normal->uses().size() == 1 ? norm : nullptr;
}

}  // namespace

bool fuse_head(jit::Module& module) {
  const auto graph = module.get_method("forward").graph();
  jit::Node* const linear = last_node(*graph);
  if (!calls(linear, "linear")) return false;
  jit::Node* const norm = norm_before(linear);
  if (norm == nullptr || !is_narrow(module, norm->input(2))) return false;

  const auto kind = c10::Symbol::fromQualString("llm2clip::norm_head");
  jit::Node* const fused =
      graph->create(kind, {norm->input(0), norm->input(1), norm->input(2), norm->input(3),
                           linear->input(1), linear->input(2), norm->input(4)});
  fused->insertBefore(linear);
  linear->output()->replaceAllUsesWith(fused->output());
  linear->destroy();
  norm->destroy();
  return true;
}

}  // namespace llm2clip
