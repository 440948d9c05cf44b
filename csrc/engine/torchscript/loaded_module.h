#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <string>

#include "base/error.h"

namespace llm2clip {

// What sessions ask of an engine file once it is loaded, on any device.

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

// Of all that is not kept in f32 or int8.
inline at::ScalarType stored_type(const torch::jit::Module& module) {
  for (const auto& parameter : module.named_parameters(false)) {
    if (is_half(parameter.value)) return parameter.value.scalar_type();
  }
  return at::kFloat;
}

// What forward() gave, as [batch, dim] f32. Throws ERR_ENGINE_INCOMPATIBLE for anything else.
inline at::Tensor embeddings_of(const c10::IValue& result, int64_t batch) {
  if (!result.isTensor() || result.toTensor().dim() != 2 || result.toTensor().size(0) != batch) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected the engine to give one tensor [batch, dim], found " +
                    (result.isTensor() ? c10::str(result.toTensor().sizes()) : result.tagKind()));
  }
  return result.toTensor().to(at::kFloat).contiguous();
}

}  // namespace llm2clip
