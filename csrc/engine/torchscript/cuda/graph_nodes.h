#pragma once

#include <torch/csrc/jit/ir/ir.h>

#include <optional>
#include <string>

namespace llm2clip {

// True when the node calls torch.ops.llm2clip.<op>.
inline bool calls(const torch::jit::Node* node, const char* op) {
  return node->kind().toQualString() == std::string("llm2clip::") + op;
}

// Returns the name of the module's attribute that this value reads, if it reads one.
inline std::optional<std::string> attribute(const torch::jit::Value* value) {
  const torch::jit::Node* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  return node->s(c10::attr::name);
}

}  // namespace llm2clip
