#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// x [rows, in] · weightᵀ + bias → out [rows, out].
struct LinearArguments {
  int64_t rows, in, out;
};

// The plain reference, in f32. weight [out, in], bias [out] or nullptr.
void linear_plain(const float* x, const float* weight, const float* bias, float* out,
                  const LinearArguments& a);

// The fast kernels read the weight in panels of 64 outputs; the last panel is padded with zeros.
// The layout is packed [panels, in / group, 64, group], 64-byte aligned. A group is four bytes of T
// (float, uint16_t for bf16, int16_t or int8_t), and `in` must be a whole number of groups. A panel
// ends with one more group for int8 and int16: for int8 it holds −128 · the sum of each output's
// weights as int32, and for int16 each output's scale as f32.
int64_t linear_panels(int64_t out);

// The order of numbers within a panel: [64 / strip, in / group, strip, group], where a group has
// this many bytes. AVX-512 kernels read whole panels; 256-bit kernels read strips of 16 outputs;
// those that widen int8 to int16 read groups of two bytes.
struct PanelLayout {
  int64_t strip, group_bytes;
};
constexpr PanelLayout kWholePanels{kTileColumns, 4};
constexpr PanelLayout kStrips{kStripColumns, 4};
constexpr PanelLayout kStripsOfPairs{kStripColumns, 2};  // for int8
template <typename T>
int64_t linear_groups(int64_t in);

// Packs panels first to last − 1.
template <typename T>
void pack_linear_weight(const T* weight, T* packed, const LinearArguments& a, int64_t first,
                        int64_t last, const PanelLayout& layout = kWholePanels);

// Packs a weight in f32 or bf16 bits as int16, with one scale per output. The scale is such that
// kInt16Depth products of weights with inputs of magnitude up to kMostInt16 add up to at most
// 32 bits.
constexpr int64_t kInt16Depth = 512;
constexpr int32_t kMostInt16 = 16383;
constexpr int32_t kMostInt8 = 127;
template <typename T>
void pack_linear_weight_in_int16(const T* weight, int16_t* packed, const LinearArguments& a,
                                 int64_t first, int64_t last,
                                 const PanelLayout& layout = kWholePanels);

// One share of the work is one block of rows for one panel. The shares of a block are consecutive.
// linear_shares() cuts the work into enough shares for `threads` threads.
struct LinearShares {
  int64_t block_rows, count;
  int64_t threads;  // that the shares are made for
};
LinearShares linear_shares(const LinearArguments& a, int64_t threads);

// Each call computes one share. The first two functions compute in f32, with weights stored as f32
// and as bf16. The third computes in f32 and reads strips. The fourth computes in bf16 with f32
// sums.
void linear_avx512(const float* x, const float* packed, const float* bias, float* out,
                   const LinearArguments& a, const LinearShares& shares, int64_t share);
void linear_avx512(const float* x, const uint16_t* packed, const float* bias, float* out,
                   const LinearArguments& a, const LinearShares& shares, int64_t share);
void linear_avx2(const float* x, const float* packed, const float* bias, float* out,
                 const LinearArguments& a, const LinearShares& shares, int64_t share);
void linear_avx512_bf16(const uint16_t* x, const uint16_t* packed, const float* bias, uint16_t* out,
                        const LinearArguments& a, const LinearShares& shares, int64_t share);

// x is int16 with one scale per row, made by quantise_rows(). The weight is int16:
// out = x · weightᵀ · row scale · output scale + bias.
void linear_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* packed,
                        const float* bias, float* out, const LinearArguments& a,
                        const LinearShares& shares, int64_t share);

// These read strips and return bit-identical results: with AVX2, with AVX-VNNI, and with the EVEX
// encoding of the same instructions, which processors with AVX-512 VNNI have.
void linear_int16_avx2(const int16_t* x, const float* row_scales, const int16_t* packed,
                       const float* bias, float* out, const LinearArguments& a,
                       const LinearShares& shares, int64_t share);
void linear_int16_avx_vnni(const int16_t* x, const float* row_scales, const int16_t* packed,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearShares& shares, int64_t share);
void linear_int16_256_avx512_vnni(const int16_t* x, const float* row_scales, const int16_t* packed,
                                  const float* bias, float* out, const LinearArguments& a,
                                  const LinearShares& shares, int64_t share);

// x is int8 with one scale per row, made by quantise_rows(). The weight is int8 with one scale per
// output:
// out = (x − 128) · weightᵀ · row scale · output scale + bias. T: float, or uint16_t for bf16.
struct Int8Scales {
  const float* rows;     // [rows]
  const float* outputs;  // [out]
};
template <typename T>
void linear_avx512_vnni(const uint8_t* x, const int8_t* packed, const Int8Scales& scales,
                        const float* bias, T* out, const LinearArguments& a,
                        const LinearShares& shares, int64_t share);

// These return bit-identical results. The AVX2 function reads strips of pairs and takes x in int16
// without the 128. The functions for AVX-VNNI and for its EVEX encoding read strips.
template <typename T>
void linear_int8_avx2(const int16_t* x, const int8_t* packed, const Int8Scales& scales,
                      const float* bias, T* out, const LinearArguments& a,
                      const LinearShares& shares, int64_t share);
template <typename T>
void linear_int8_avx_vnni(const uint8_t* x, const int8_t* packed, const Int8Scales& scales,
                          const float* bias, T* out, const LinearArguments& a,
                          const LinearShares& shares, int64_t share);
template <typename T>
void linear_int8_256_avx512_vnni(const uint8_t* x, const int8_t* packed, const Int8Scales& scales,
                                 const float* bias, T* out, const LinearArguments& a,
                                 const LinearShares& shares, int64_t share);

}  // namespace llm2clip
