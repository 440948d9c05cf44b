#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_f32_strips.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {

void linear_avx2(const float* x, const float* strips, const float* bias, float* out,
                 const LinearArguments& a, const LinearBlock& block) {
  multiply_share<StripTile<Fp32Product>, multiply_strip_of_any_size>(x, strips, bias, out, a,
                                                                     block);
}

}  // namespace llm2clip
