#pragma once

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace llm2clip {

// Converts `count` numbers of type `from` to f32. f64 values are rounded to nearest.
void to_float(Dtype from, const std::byte* in, float* out, size_t count);

// Converts `count` f32 numbers to type `to`, rounding to nearest even. NaN stays NaN.
void from_float(const float* in, Dtype to, std::byte* out, size_t count);

// Rounds to bf16, to nearest even, and widens again; NaN stays NaN. Both may be the same memory.
void round_to_bf16(const float* in, float* out, size_t count);

// True when no number is NaN or infinite.
bool all_finite(const float* values, size_t count);

// The largest magnitude, or 0 when `count` is 0.
float max_magnitude(const float* values, size_t count);

}  // namespace llm2clip
