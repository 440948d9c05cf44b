#pragma once

#include <cstdint>

namespace llm2clip {

// Simple loops over rows of numbers. X, Y and Out: float, or uint16_t for bf16. They are in f32.

// The plain references, in double.
void mean_of_rows_plain(const float* x, float* out, int64_t rows, int64_t width);
void l2_normalize_plain(const float* x, float* out, int64_t width, int64_t first, int64_t last);

// out = x + y. `out` may be x or y.
template <typename X, typename Y>
void add_numbers(const X* x, const Y* y, float* out, int64_t count);

// Copies x to another type. NaN stays NaN.
template <typename X, typename Out>
void convert_numbers(const X* x, Out* out, int64_t count);

// The mean of rows: x [rows, width] → out [width].
template <typename X>
void mean_of_rows(const X* x, float* out, int64_t rows, int64_t width);

// Divides rows first to last − 1 by their lengths, or by 10⁻¹² if that is larger. `out` may be x.
template <typename X, typename Out>
void l2_normalize_rows(const X* x, Out* out, int64_t width, int64_t first, int64_t last);

}  // namespace llm2clip
