#pragma once

#include <cstdint>

namespace llm2clip {

// SwiGLU and its sub-LayerNorm in one pass over the rows:
// gate_up [rows, 2H] → out [rows, H] = LayerNorm(silu(gate) · up), with statistics in f32.
struct GatedNormArguments {
  int64_t hidden;  // H
  double eps;
};

// The plain reference, in double, for rows first to last − 1.
void gated_norm_plain(const float* gate_up, const float* weight, const float* bias, float* out,
                      const GatedNormArguments& a, int64_t first, int64_t last);

// The fast kernel. T: float, or uint16_t for bf16. weight and bias [H] have the same type.
template <typename T>
void gated_norm_rows(const T* gate_up, const T* weight, const T* bias, T* out,
                     const GatedNormArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
