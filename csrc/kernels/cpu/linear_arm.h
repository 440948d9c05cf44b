#pragma once

#include "kernels/cpu/linear.h"

namespace llm2clip {

// The linear kernels of 64-bit Arm, see linear.h. All of them read strips.

// Computes in f32.
void linear_neon(const float* x, const float* strips, const float* bias, float* out,
                 const LinearArguments& a, const LinearBlock& block);

// Takes bf16, and adds up the products in f32 (BFMMLA). The strips are in PanelForm::kBf16Fours.
void linear_neon_bf16(const uint16_t* x, const uint16_t* strips, const float* bias, float* out,
                      const LinearArguments& a, const LinearBlock& block);

// x is int8 with one scale per row, made by quantise_rows():
// out = x · weightᵀ · row scale · output scale + bias. T: float, or uint16_t for bf16. The results
// are bit-identical. The first function uses SDOT and reads PanelForm::kInt8Strips, the second one
// uses SMMLA and reads PanelForm::kInt8Eights.
template <typename T>
void linear_int8_neon_dotprod(const int8_t* x, const int8_t* strips, const Int8Scales& scales,
                              const float* bias, T* out, const LinearArguments& a,
                              const LinearBlock& block);
template <typename T>
void linear_int8_neon_i8mm(const int8_t* x, const int8_t* strips, const Int8Scales& scales,
                           const float* bias, T* out, const LinearArguments& a,
                           const LinearBlock& block);

}  // namespace llm2clip
