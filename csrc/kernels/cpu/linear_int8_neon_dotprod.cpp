#include <cstring>

#include "kernels/cpu/linear_arm.h"
#include "kernels/cpu/linear_int8_strips.h"
#include "kernels/cpu/tile_neon.h"

namespace llm2clip {
namespace {

// Four int8 steps of the depth, which SDOT adds up.
struct DotProduct {
  using Number = int8_t;
  using Stored = int8_t;
  using Sum = int32_t;
  using Sums = int32x4_t;
  using Weights = int8x16_t;
  static constexpr int64_t kGroup = 4;
  static Sums zero() { return vdupq_n_s32(0); }
  static Weights read(const int8_t* b) { return vld1q_s8(b); }
  static int8x8_t read_group(const int8_t* a) {
    int32_t group;
    std::memcpy(&group, a, sizeof(group));
    return vreinterpret_s8_s32(vdup_n_s32(group));
  }
  static Sums add(Sums sums, Weights weights, int8x8_t x) {
    return vdotq_lane_s32(sums, weights, x, 0);
  }
  static void store(int32_t* to, Sums sums) { vst1q_s32(to, sums); }
};

}  // namespace

template <typename T>
void linear_int8_neon_dotprod(const int8_t* x, const int8_t* strips, const Int8Scales& scales,
                              const float* bias, T* out, const LinearArguments& a,
                              const LinearBlock& block) {
  multiply_share<DotProduct>(x, strips, scales, bias, out, a, block);
}

template void linear_int8_neon_dotprod(const int8_t*, const int8_t*, const Int8Scales&,
                                       const float*, float*, const LinearArguments&,
                                       const LinearBlock&);
template void linear_int8_neon_dotprod(const int8_t*, const int8_t*, const Int8Scales&,
                                       const float*, uint16_t*, const LinearArguments&,
                                       const LinearBlock&);

}  // namespace llm2clip
