#pragma once

#include <cstdint>

#include "kernels/cpu/linear.h"

namespace llm2clip {

// Quantises x [rows, in] to int8 or int16 with one scale per row.
// uint8_t: x ≈ (q − 128) · scale, where 127 · scale is the row's largest magnitude.
// int8_t: the same without the 128.
// int16_t: x ≈ q · scale, where `most` · scale is the row's largest magnitude.
// If smoothing is given, each input is divided by it first.
// The scale of a row with NaN or infinity is NaN, and so is every output of a linear for that row.
struct QuantiseArguments {
  int64_t in;
  int64_t stride;  // elements from one row of q to the next; those after `in` stand for zero
  const float* inverse_smoothing;  // [in], or nullptr
  int32_t most = kMostInt16;       // for int16_t; kMostInt8 gives the uint8_t values minus 128
};

// Quantises rows first to last − 1. T: float, or uint16_t for bf16.
template <typename T, typename Q>
void quantise_rows(const T* x, Q* q, float* scales, const QuantiseArguments& a, int64_t first,
                   int64_t last);

}  // namespace llm2clip
