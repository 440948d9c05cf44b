#include "kernels/cpu/linear_int16_strips.h"

namespace llm2clip {

void linear_int16_avx2(const int16_t* x, const float* row_scales, const int16_t* packed,
                       const float* bias, float* out, const LinearArguments& a,
                       const LinearShares& shares, int64_t share) {
  multiply_share<Int16Product>(x, row_scales, packed, bias, out, a, {a, shares, share});
}

}  // namespace llm2clip
