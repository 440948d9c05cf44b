#include "engine/torchscript/cuda/graph_rewrites.h"

#include <ATen/ATen.h>

#include <initializer_list>
#include <map>
#include <string>

#include "engine/torchscript/cuda/graph_nodes.h"
#include "engine/torchscript/session/loaded_module.h"
#include "kernels/cuda/element.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;

constexpr int64_t kHiddenMultiple = 64;

// The layout of a weight.
enum class Layout {
  kStored,
  kTyped,       // converted to the type of stored weights
  kPatchRows,   // [D, 3, P, P] → [D, padded]
  kGateUp,      // rows of gate and up, each half padded
  kGateUpBias,  // the same for a bias, converted
  kBehindGate,  // columns padded
  kGatedNorm,   // converted; memory padded, but size unchanged
  kAngles,      // [2, N, dim] → [N, dim / 2, 2]
};

// Pads x with zeros to `size` in dimension `dim`.
Tensor padded(const Tensor& x, int64_t dim, int64_t size) {
  if (x.size(dim) == size) return x;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[static_cast<size_t>(dim)] = size;
  Tensor result = at::zeros(shape, x.options());
  result.narrow(dim, 0, x.size(dim)).copy_(x);
  return result;
}

// Pads gate and up separately.
Tensor gate_up(const Tensor& x) {
  const int64_t own = x.size(0) / 2, half = padded_to(own, kHiddenMultiple);
  return at::cat({padded(x.narrow(0, 0, own), 0, half), padded(x.narrow(0, own, own), 0, half)});
}

Tensor patch_rows(const Tensor& x) {
  const Tensor rows = x.flatten(1);
  return padded(rows, 1, padded_to(rows.size(1), kChunk));
}

Tensor gated_norm(const Tensor& x) {
  return padded(x, 0, padded_to(x.numel(), kHiddenMultiple)).narrow(0, 0, x.numel());
}

Tensor angles(const Tensor& x) {
  const Tensor pairs = x.unflatten(2, {-1, 2});
  TORCH_CHECK(pairs.select(3, 0).equal(pairs.select(3, 1)),
              "expected both of a pair to turn by one angle");
  return pairs.select(3, 0).permute({1, 2, 0}).contiguous();
}

Tensor laid_out(const Tensor& x, Layout layout, at::ScalarType type) {
  switch (layout) {
    case Layout::kStored: return x;
    case Layout::kTyped: return x.to(type);
    case Layout::kPatchRows: return patch_rows(x);
    case Layout::kGateUp: return gate_up(x);
    case Layout::kGateUpBias: return gate_up(x.to(type));
    case Layout::kBehindGate: return padded(x, 1, padded_to(x.size(1), kHiddenMultiple));
    case Layout::kGatedNorm: return gated_norm(x.to(type));
    case Layout::kAngles: return angles(x);
  }
  return x;
}

// The layouts that a module's operators expect, by weight name.
class Layouts {
 public:
  explicit Layouts(const jit::Module& module) {
    for (const jit::Method& method : module.get_methods()) read(method.graph()->block());
  }

  Layout of(const std::string& name) const {
    const auto found = layouts_.find(name);
    return found == layouts_.end() ? Layout::kStored : found->second;
  }

 private:
  void read(const jit::Block* block) {
    for (const jit::Node* node : block->nodes()) {
      read(node);
      for (const jit::Block* inner : node->blocks()) read(inner);
    }
  }

  void read(const jit::Node* node) {
    if (calls(node, "patch_embed")) return patch_embed(node);
    if (calls(node, "linear")) return linear(node);
    if (calls(node, "gated_norm")) return expect(node, {1, 2}, Layout::kGatedNorm);
    if (calls(node, "attention")) return expect(node, {2}, Layout::kAngles);
    if (calls(node, "text_attention")) return expect(node, {4}, Layout::kAngles);
    if (calls(node, "pool_attention")) return expect(node, {2}, Layout::kTyped);
  }

  void expect(const jit::Node* node, std::initializer_list<size_t> inputs, Layout layout) {
    for (const size_t input : inputs) {
      const auto name = attribute(node->input(input));
      if (!name) continue;
      const auto [found, first] = layouts_.emplace(*name, layout);
      TORCH_CHECK(first || found->second == layout, "expected one layout of ", *name,
                  ", found operators that expect two");
    }
  }

  void patch_embed(const jit::Node* node) {
    expect(node, {1}, Layout::kPatchRows);
    expect(node, {2, 3, 4}, Layout::kTyped);
  }

  void linear(const jit::Node* node) {
    const auto& uses = node->output()->uses();
    const bool gated = uses.size() == 1 && calls(uses[0].user, "gated_norm");
    const bool behind = calls(node->input(0)->node(), "gated_norm");
    expect(node, {1}, gated ? Layout::kGateUp : behind ? Layout::kBehindGate : Layout::kStored);
    expect(node, {2}, gated ? Layout::kGateUpBias : Layout::kTyped);
  }

  std::map<std::string, Layout> layouts_;
};

}  // namespace

void move_and_pad_weights(jit::Module& module, c10::Device device) {
  const Layouts layouts(module);
  const at::ScalarType type = stored_type(module);
  for (const auto& attribute : module.named_attributes(false)) {
    if (!attribute.value.isTensor()) continue;
    // This frees the previous tensor immediately.
    const Tensor moved = attribute.value.toTensor().to(device);
    module.setattr(attribute.name, laid_out(moved, layouts.of(attribute.name), type));
  }
}

}  // namespace llm2clip
