#include "kernels/cpu/linear_arm.h"
#include "kernels/cpu/linear_int8_strips.h"
#include "kernels/cpu/tile_neon_pairs.h"

namespace llm2clip {
namespace {

// Eight int8 steps of the depth, which SMMLA adds up.
struct MatrixProduct {
  using Number = int8_t;
  using Stored = int8_t;
  using Sum = int32_t;
  using Sums = int32x4_t;
  static constexpr int64_t kGroup = 8;
  static Sums zero() { return vdupq_n_s32(0); }
  static Sums add(Sums sums, uint64x2_t x, uint64x2_t weights) {
    return vmmlaq_s32(sums, vreinterpretq_s8_u64(x), vreinterpretq_s8_u64(weights));
  }
  static uint64x1_t read_row(const int8_t* a) { return vreinterpret_u64_s8(vld1_s8(a)); }
  static uint64x2_t read(const int8_t* b) { return vreinterpretq_u64_s8(vld1q_s8(b)); }
  // The sums of each row by four outputs, from those of both rows by two outputs and two more.
  static Sums first_row(Sums x, Sums y) { return vcombine_s32(vget_low_s32(x), vget_low_s32(y)); }
  static Sums second_row(Sums x, Sums y) {
    return vcombine_s32(vget_high_s32(x), vget_high_s32(y));
  }
  static void store(int32_t* to, Sums sums) { vst1q_s32(to, sums); }
};

}  // namespace

template <typename T>
void linear_int8_neon_i8mm(const int8_t* x, const int8_t* strips, const Int8Scales& scales,
                           const float* bias, T* out, const LinearArguments& a,
                           const LinearBlock& block) {
  multiply_share<MatrixProduct>(x, strips, scales, bias, out, a, block);
}

template void linear_int8_neon_i8mm(const int8_t*, const int8_t*, const Int8Scales&, const float*,
                                    float*, const LinearArguments&, const LinearBlock&);
template void linear_int8_neon_i8mm(const int8_t*, const int8_t*, const Int8Scales&, const float*,
                                    uint16_t*, const LinearArguments&, const LinearBlock&);

}  // namespace llm2clip
