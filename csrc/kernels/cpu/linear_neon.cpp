#include "kernels/cpu/linear_arm.h"
#include "kernels/cpu/linear_f32_strips.h"
#include "kernels/cpu/tile_neon_f32.h"

namespace llm2clip {

void linear_neon(const float* x, const float* strips, const float* bias, float* out,
                 const LinearArguments& a, const LinearBlock& block) {
  multiply_share<StripTile<F32Product>, multiply_strip_of_any_size>(x, strips, bias, out, a, block);
}

}  // namespace llm2clip
