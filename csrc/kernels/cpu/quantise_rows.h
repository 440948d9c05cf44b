#pragma once

#include <cstdint>

namespace llm2clip {

// x [rows, in] → int8 with a scale a row: x ≈ (q − 128) · scale, where 127 · scale is the row's
// largest magnitude. Each input is divided by its smoothing first where there is one.
struct QuantiseArguments {
  int64_t in;
  int64_t stride;  // numbers from one row of q to the next; those after `in` get 128
  const float* inverse_smoothing;  // [in], or nullptr
};

// Rows first to last − 1. T: float, or uint16_t for bf16.
template <typename T>
void quantise_rows(const T* x, uint8_t* q, float* scales, const QuantiseArguments& a, int64_t first,
                   int64_t last);

}  // namespace llm2clip
