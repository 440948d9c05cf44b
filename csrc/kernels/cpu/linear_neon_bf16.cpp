#include "kernels/cpu/linear_arm.h"
#include "kernels/cpu/linear_f32_strips.h"
#include "kernels/cpu/tile_neon_pairs.h"

namespace llm2clip {
namespace {

// Four bf16 steps of the depth, which BFMMLA adds up in f32.
struct MatrixProduct {
  using Number = uint16_t;
  using Stored = uint16_t;
  using Sum = float;
  using Sums = float32x4_t;
  static constexpr int64_t kGroup = 4;
  static Sums zero() { return vdupq_n_f32(0); }
  static Sums add(Sums sums, uint64x2_t x, uint64x2_t weights) {
    return vbfmmlaq_f32(sums, vreinterpretq_bf16_u64(x), vreinterpretq_bf16_u64(weights));
  }
  static uint64x1_t read_row(const uint16_t* a) { return vreinterpret_u64_u16(vld1_u16(a)); }
  static uint64x2_t read(const uint16_t* b) { return vreinterpretq_u64_u16(vld1q_u16(b)); }
  // The sums of each row by four outputs, from those of both rows by two outputs and two more.
  static Sums first_row(Sums x, Sums y) { return vcombine_f32(vget_low_f32(x), vget_low_f32(y)); }
  static Sums second_row(Sums x, Sums y) {
    return vcombine_f32(vget_high_f32(x), vget_high_f32(y));
  }
  static void store(float* to, Sums sums) { vst1q_f32(to, sums); }
};

}  // namespace

void linear_neon_bf16(const uint16_t* x, const uint16_t* strips, const float* bias, float* out,
                      const LinearArguments& a, const LinearBlock& block) {
  multiply_share<StripTile<MatrixProduct>, multiply_strip_of_any_size>(x, strips, bias, out, a,
                                                                       block);
}

}  // namespace llm2clip
