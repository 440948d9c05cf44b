#pragma once

#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Norms over rows, with statistics in f32. Weights and biases have the element of the output.

struct LayerNormWeights {
  const void* weight;  // [width]
  const void* bias;    // [width]
  double eps;
};

struct RmsNormWeights {
  const void* weight;  // [width]
  double eps;
};

// x has f32 elements or those of `out`.
void layer_norm(Workers& workers, const LayerNormWeights& weights, ConstMatrix x, Matrix out);

// Adds to the residual stream and normalises it: sum = x + y, out = LayerNorm(sum). x and sum have
// f32 elements and may be the same memory. y has the elements of `out`.
void add_layer_norm(Workers& workers, const LayerNormWeights& weights, ConstMatrix x, ConstMatrix y,
                    Matrix sum, Matrix out);

// x / √(mean of x² + eps) · weight; x has f32 elements.
void rms_norm(Workers& workers, const RmsNormWeights& weights, ConstMatrix x, Matrix out);

// The same as add_layer_norm() for rms_norm().
void add_rms_norm(Workers& workers, const RmsNormWeights& weights, ConstMatrix x, ConstMatrix y,
                  Matrix sum, Matrix out);

// gate and up lie side by side: gate_up [rows, 2H] → out [rows, H] = LayerNorm(silu(gate) · up).
void gated_norm(Workers& workers, const LayerNormWeights& weights, ConstMatrix gate_up, Matrix out);

// gate_up [rows, 2H] → out [rows, H] = silu(gate) · up.
void gate(Workers& workers, ConstMatrix gate_up, Matrix out);

}  // namespace llm2clip
