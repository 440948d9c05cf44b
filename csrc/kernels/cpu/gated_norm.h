#pragma once

#include <cstdint>

namespace llm2clip {

// SwiGLU with its sub-LayerNorm in one pass over the rows:
// gate_up [rows, 2H] → out [rows, H] = LayerNorm(silu(gate) · up), statistics in f32.
struct GatedNormArguments {
  int64_t hidden;  // H
  double eps;
};

// Rows first to last − 1. T: float, or uint16_t for bf16; weight and bias [H] likewise.
template <typename T>
void gated_norm_rows(const T* gate_up, const T* weight, const T* bias, T* out,
                     const GatedNormArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
