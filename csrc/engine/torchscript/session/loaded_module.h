#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "engine/torchscript/module_names.h"

namespace llm2clip {

// What sessions on any device ask a loaded engine file.

inline std::string precision_name(at::ScalarType type) {
  switch (type) {
    case at::kBFloat16: return "bf16";
    case at::kHalf: return "fp16";
    default: return "fp32";
  }
}

inline bool is_half(const at::Tensor& tensor) {
  return tensor.scalar_type() == at::kBFloat16 || tensor.scalar_type() == at::kHalf;
}

// The type of all weights that are not stored in f32 or int8.
inline at::ScalarType stored_type(const torch::jit::Module& module) {
  for (const auto& parameter : module.named_parameters(false)) {
    if (is_half(parameter.value)) return parameter.value.scalar_type();
  }
  return at::kFloat;
}

// Returns the result of forward() as [batch, dim] f32. Throws ERR_ENGINE_INCOMPATIBLE for anything
// else.
inline at::Tensor embeddings_of(const c10::IValue& result, int64_t batch) {
  if (!result.isTensor() || result.toTensor().dim() != 2 || result.toTensor().size(0) != batch) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected the engine to give one tensor [batch, dim], found " +
                    (result.isTensor() ? c10::str(result.toTensor().sizes()) : result.tagKind()));
  }
  return result.toTensor().to(at::kFloat).contiguous();
}

// The `layer` for patches in the space of the embeddings.
inline constexpr int64_t kEmbeddingSpace = -1;

// Returns the result of kPatches for these inputs as [batch, patches · dim] f32; see
// Session::run_patches().
inline at::Tensor patches_of(const torch::jit::Module& module, std::vector<c10::IValue> inputs,
                             std::optional<int64_t> layer, int64_t batch) {
  inputs.reserve(inputs.size() + 1);
  inputs.emplace_back(layer.value_or(kEmbeddingSpace));
  const c10::IValue patches = module.get_method(kPatches)(std::move(inputs));
  return embeddings_of(patches.toTensor().flatten(1), batch);
}

}  // namespace llm2clip
