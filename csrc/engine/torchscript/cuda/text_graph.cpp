#include "engine/torchscript/cuda/text_graph.h"

#include <ATen/core/Tensor.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/ir/ir.h>

#include <string>

#include "engine/torchscript/cuda/graph_nodes.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

// Returns the graph's first node that calls this operator.
const jit::Node* first_of(const jit::Module& module, const std::string& op) {
  for (const jit::Node* node : module.get_method("forward").graph()->nodes()) {
    if (node->kind().toQualString() == op) return node;
  }
  return nullptr;
}

// Returns a weight: an attribute of a native module, or a constant of a frozen one.
at::Tensor weight(const jit::Module& module, const jit::Value* value) {
  if (const auto name = attribute(value)) return module.attr(*name).toTensor();
  return jit::constant_as<at::Tensor>(value).value();
}

}  // namespace

int64_t vocabulary(const jit::Module& module) {
  if (const jit::Node* embed = first_of(module, "llm2clip::embed")) {
    return weight(module, embed->input(1)).size(0);
  }
  const jit::Node* embedding = first_of(module, "aten::embedding");
  return embedding == nullptr ? 0 : weight(module, embedding->input(0)).size(0);
}

std::optional<int64_t> text_head_dim(const jit::Module& module) {
  const jit::Node* attention = first_of(module, "llm2clip::text_attention");
  if (attention == nullptr) return std::nullopt;
  return weight(module, attention->input(4)).size(2);  // angles [2, longest text, dim]
}

}  // namespace llm2clip
