#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "kernels/cpu/panels.h"
#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Views of a linear layer's weight. Whoever owns the memory keeps it.
struct LinearWeight {
  WeightType type;
  const std::byte* panels;  // of pack_panels(), aligned to 64 bytes
  int64_t out, in;
  const float* bias = nullptr;               // [out], or nullptr
  const float* scales = nullptr;             // [out], for int8
  const float* inverse_smoothing = nullptr;  // [in], for int8, or nullptr
};

// The type that activations are computed in here, by the type that a bundle stores its weights in.
// For int8, this is the type of the inputs and outputs of its linear layers.
Element compute_element(WeightType stored);

// The bytes of `room` that linear() needs for this many rows.
size_t linear_room(const LinearWeight& weight, int64_t rows);

// x [rows, in] · weightᵀ + bias → out [rows, out], both in compute_element(weight.type). An int8
// weight stands for weight · scales, and its inputs are multiplied by inverse_smoothing first.
// `room` has any content and is aligned to 64 bytes.
void linear(Workers& workers, const LinearWeight& weight, ConstMatrix x, Matrix out,
            std::byte* room);

// Whether weights stored in this type are multiplied as int16 here, with one scale per output
// channel and one per token. This is at least as precise as bf16, and twice as fast as f32 on
// processors that are slow at bf16.
bool runs_in_int16(WeightType stored);

// Whether weights stored in this type are multiplied as bf16 here, whatever compute_element() is.
bool runs_in_bf16(WeightType stored);

// Whether int8 weights are multiplied as int8 here.
bool runs_in_int8();

// Names the kernel that multiplies weights of this type here.
std::string linear_kernel(WeightType stored);

}  // namespace llm2clip
