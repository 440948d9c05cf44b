#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "ops/linear.h"

namespace llm2clip::operators {

// The stored type of a weight in f32, bf16, f16 or int8.
WeightType weight_type(at::ScalarType stored);

// Packs a weight [out, in] as linear() of ops/linear.h reads it, whatever the processor:
// [panels, groups, 64 · group], of the same dtype.
at::Tensor pack_in_panels(const at::Tensor& weight);

// A linear layer over a result of pack_in_panels(). All but `panels` are f32.
struct PanelLinear {
  const at::Tensor& panels;
  const std::optional<at::Tensor>& bias;  // [out]
  int64_t out;
  const float* scales = nullptr;             // [out], for int8
  const float* inverse_smoothing = nullptr;  // [in], for int8, or nullptr
};

// x [.., in] → [.., out]
at::Tensor multiply_panels(const at::Tensor& x, const PanelLinear& layer);

}  // namespace llm2clip::operators
