#pragma once

#include <cstdint>

namespace llm2clip {

// x [rows, in] → int8 or int16 with a scale a row. Of uint8_t: x ≈ (q − 128) · scale, where
// 127 · scale is the row's largest magnitude. Of int16_t: x ≈ q · scale, where kMostInt16 · scale
// is. Each input is divided by its smoothing first where there is one. A row that holds NaN or
// infinity has NaN as its scale, and so has all that a linear makes of it; the others are as ever.
struct QuantiseArguments {
  int64_t in;
  int64_t stride;  // numbers from one row of q to the next; those after `in` stand for zero
  const float* inverse_smoothing;  // [in], or nullptr
};

// Rows first to last − 1. T: float, or uint16_t for bf16.
template <typename T, typename Q>
void quantise_rows(const T* x, Q* q, float* scales, const QuantiseArguments& a, int64_t first,
                   int64_t last);

}  // namespace llm2clip
