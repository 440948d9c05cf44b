#pragma once

#include <cstdint>

namespace llm2clip {

// x [rows, in] · weightᵀ + bias → out [rows, out], all f32.
struct LinearArguments {
  int64_t rows, in, out;
};

// The reference. weight [out, in], bias [out] or nullptr.
void linear_plain(const float* x, const float* weight, const float* bias, float* out,
                  const LinearArguments& a);

// The fast kernel reads the weight in panels of 64 outputs, the last one filled up with zeros:
// packed [panels, in, 64], 64-byte aligned.
int64_t linear_panels(int64_t out);

// Panels first to last − 1.
void pack_linear_weight(const float* weight, float* packed, const LinearArguments& a, int64_t first,
                        int64_t last);

// A share of the work is one block of rows for one panel: shares of a block follow each other.
// linear_shares() cuts the work into enough of them for so many threads.
struct LinearShares {
  int64_t block_rows, count;
};
LinearShares linear_shares(const LinearArguments& a, int64_t threads);

// Shares first to last − 1.
void linear_avx512(const float* x, const float* packed, const float* bias, float* out,
                   const LinearArguments& a, const LinearShares& shares, int64_t first,
                   int64_t last);

}  // namespace llm2clip
