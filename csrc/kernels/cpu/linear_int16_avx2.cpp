#include "kernels/cpu/linear_int16_strips.h"

namespace llm2clip {

void linear_int16_avx2(const int16_t* x, const float* row_scales, const int16_t* strips,
                       const float* bias, float* out, const LinearArguments& a,
                       const LinearBlock& block) {
  multiply_share<Int16Product>(x, row_scales, strips, bias, out, a, block);
}

}  // namespace llm2clip
