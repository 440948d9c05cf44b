#pragma once

#include <cstdint>

namespace llm2clip {

// x [rows, in] · weightᵀ + bias → out [rows, out].
struct LinearArguments {
  int64_t rows, in, out;
};

// The plain reference, in f32. weight [out, in], bias [out] or nullptr.
void linear_plain(const float* x, const float* weight, const float* bias, float* out,
                  const LinearArguments& a);

// The part that one call of a fast kernel computes: a block of rows, and the outputs of one panel.
struct LinearBlock {
  int64_t row, rows;        // first row, number of rows
  int64_t column, columns;  // first output, number of outputs, at most 64
};

// The fast kernels take their block's panel in the form that each states (see panels.h), and all of
// x, bias (or nullptr) and out. `in` of the arguments counts the padding of the panel, and x has
// the same padding.

// These compute in f32. The first runs on any processor. The last one takes bf16 as it is stored;
// its `in` is without the padding.
void linear_generic(const float* x, const float* strips, const float* bias, float* out,
                    const LinearArguments& a, const LinearBlock& block);
void linear_avx2(const float* x, const float* strips, const float* bias, float* out,
                 const LinearArguments& a, const LinearBlock& block);
void linear_avx512(const float* x, const float* panel, const float* bias, float* out,
                   const LinearArguments& a, const LinearBlock& block);
void linear_avx512(const float* x, const uint16_t* panel, const float* bias, float* out,
                   const LinearArguments& a, const LinearBlock& block);

// Computes in bf16 with f32 sums.
void linear_avx512_bf16(const uint16_t* x, const uint16_t* panel, const float* bias, uint16_t* out,
                        const LinearArguments& a, const LinearBlock& block);

// x is int16 with one scale per row, made by quantise_rows(). The weight is int16 with one scale
// per output: out = x · weightᵀ · row scale · output scale + bias. The scales of the weights are
// such that kInt16Depth products with inputs of magnitude up to kMostInt16 add up to at most
// 32 bits.
constexpr int64_t kInt16Depth = 512;
constexpr int32_t kMostInt16 = 16383;
constexpr int32_t kMostInt8 = 127;
void linear_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* panel,
                        const float* bias, float* out, const LinearArguments& a,
                        const LinearBlock& block);

// These read strips and return bit-identical results: with AVX2, with AVX-VNNI, and with the EVEX
// encoding of the same instructions, which processors with AVX-512 VNNI have.
void linear_int16_avx2(const int16_t* x, const float* row_scales, const int16_t* strips,
                       const float* bias, float* out, const LinearArguments& a,
                       const LinearBlock& block);
void linear_int16_avx_vnni(const int16_t* x, const float* row_scales, const int16_t* strips,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearBlock& block);
void linear_int16_256_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* strips,
                                  const float* bias, float* out, const LinearArguments& a,
                                  const LinearBlock& block);

// x is int8 with one scale per row, made by quantise_rows(). The weight is int8 with one scale per
// output:
// out = (x − 128) · weightᵀ · row scale · output scale + bias. T: float, or uint16_t for bf16.
struct Int8Scales {
  const float* rows;     // [rows]
  const float* outputs;  // [out]
};
template <typename T>
void linear_avx512_vnni(const uint8_t* x, const int8_t* panel, const Int8Scales& scales,
                        const float* bias, T* out, const LinearArguments& a,
                        const LinearBlock& block);

// These read strips and return bit-identical results. The AVX2 function takes both x, without the
// 128, and the weight in int16, because AVX2 multiplies int16 fastest.
template <typename T>
void linear_int8_avx2(const int16_t* x, const int16_t* strips, const Int8Scales& scales,
                      const float* bias, T* out, const LinearArguments& a,
                      const LinearBlock& block);
template <typename T>
void linear_int8_avx_vnni(const uint8_t* x, const int8_t* strips, const Int8Scales& scales,
                          const float* bias, T* out, const LinearArguments& a,
                          const LinearBlock& block);
template <typename T>
void linear_int8_256_avx512_vnni(const uint8_t* x, const int8_t* strips, const Int8Scales& scales,
                                 const float* bias, T* out, const LinearArguments& a,
                                 const LinearBlock& block);

}  // namespace llm2clip
