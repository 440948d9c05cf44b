#include "engine/torchscript/cuda/padded_weights.h"

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/ir.h>

#include <map>
#include <optional>
#include <set>
#include <string>

#include "engine/torchscript/loaded_module.h"
#include "kernels/cuda/element.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;

constexpr int64_t kHiddenMultiple = 64;

bool is(const jit::Node* node, const char* op) {
  return node->kind().toQualString() == std::string("llm2clip::") + op;
}

// The attribute of the module that a value is, if it is one.
std::optional<std::string> attribute(const jit::Value* value) {
  const jit::Node* node = value->node();
  if (node->kind() != c10::prim::GetAttr) return std::nullopt;
  return node->s(c10::attr::name);
}

// Zeros behind what is there, of dimension `dim`.
Tensor padded(const Tensor& x, int64_t dim, int64_t size) {
  if (x.size(dim) == size) return x;
  std::vector<int64_t> shape = x.sizes().vec();
  shape[static_cast<size_t>(dim)] = size;
  Tensor result = at::zeros(shape, x.options());
  result.narrow(dim, 0, x.size(dim)).copy_(x);
  return result;
}

// Gate and up, each padded.
Tensor padded_halves(const Tensor& x, int64_t half) {
  const int64_t own = x.size(0) / 2;
  return at::cat({padded(x.narrow(0, 0, own), 0, half), padded(x.narrow(0, own, own), 0, half)});
}

class Mover {
 public:
  Mover(jit::Module& module, c10::Device device)
      : module_(module), device_(device), type_(stored_type(module)) {}

  void move() {
    const auto graph = module_.get_method("forward").graph();
    for (const jit::Node* node : graph->nodes()) move_of(node);
    for (const auto& attribute : module_.named_attributes(false)) {
      if (attribute.value.isTensor()) change(attribute.name, [](Tensor x) { return x; });
    }
  }

 private:
  void move_of(const jit::Node* node) {
    if (is(node, "patch_embed")) return patch_embed(node);
    if (is(node, "linear")) return linear(node);
    if (is(node, "gated_norm")) return gated_norm(node);
    if (is(node, "attention")) return angles(node->input(2));
    if (is(node, "pool_attention")) return typed(node->input(2));
  }

  // Replaces a weight once, however often it is used; what it was is freed at once.
  template <typename Change>
  void change(const std::string& name, const Change& change) {
    if (!moved_.insert(name).second) return;
    module_.setattr(name, change(module_.attr(name).toTensor().to(device_)));
  }
  template <typename Change>
  void change(const jit::Value* value, const Change& change) {
    if (const auto name = attribute(value)) this->change(*name, change);
  }

  void typed(const jit::Value* value) {
    change(value, [this](Tensor x) { return x.to(type_); });
  }

  void patch_embed(const jit::Node* node) {
    change(node->input(1), [](Tensor x) {
      const Tensor rows = x.flatten(1);
      return padded(rows, 1, padded_to(rows.size(1), kChunk));
    });
    for (const size_t input : {2, 3, 4}) typed(node->input(input));
  }

  static bool feeds_gated_norm(const jit::Node* node) {
    const auto& uses = node->output()->uses();
    return uses.size() == 1 && is(uses[0].user, "gated_norm");
  }

  void linear(const jit::Node* node) {
    const bool gated = feeds_gated_norm(node);
    const bool behind_gated = is(node->input(0)->node(), "gated_norm");
    const auto halves = [gated](const Tensor& x) {
      return gated ? padded_halves(x, padded_to(x.size(0) / 2, kHiddenMultiple)) : x;
    };
    change(node->input(1), [&](Tensor x) {
      return halves(behind_gated ? padded(x, 1, padded_to(x.size(1), kHiddenMultiple)) : x);
    });
    change(node->input(2), [&](Tensor x) { return halves(x.to(type_)); });
  }

  // Their size stays what counts of a row, their memory is padded.
  void gated_norm(const jit::Node* node) {
    for (const size_t input : {1, 2}) {
      change(node->input(input), [this](Tensor x) {
        const int64_t hidden = x.numel();
        return padded(x.to(type_), 0, padded_to(hidden, kHiddenMultiple)).narrow(0, 0, hidden);
      });
    }
  }

  // [2, N, dim] → [N, dim / 2, 2]
  void angles(const jit::Value* value) {
    change(value, [](Tensor x) {
      const Tensor pairs = x.unflatten(2, {-1, 2});
      TORCH_CHECK(pairs.select(3, 0).equal(pairs.select(3, 1)),
                  "expected both of a pair to turn by one angle");
      return pairs.select(3, 0).permute({1, 2, 0}).contiguous();
    });
  }

  jit::Module& module_;
  c10::Device device_;
  at::ScalarType type_;
  std::set<std::string> moved_;
};

}  // namespace

void move_and_pad_weights(jit::Module& module, c10::Device device) { Mover(module, device).move(); }

}  // namespace llm2clip
