#include "kernels/cpu/linear_int16_strips.h"

namespace llm2clip {
namespace {

struct VnniProduct : Int16Pairs {
  static Sums add(Sums sums, __m256i a, __m256i b) {
    asm("%{vex%} vpdpwssd %2, %1, %0" : "+x"(sums) : "x"(a), "x"(b));
    return sums;
  }
};

}  // namespace

void linear_int16_avx_vnni(const int16_t* x, const float* row_scales, const int16_t* strips,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearBlock& block) {
  multiply_share<VnniProduct>(x, row_scales, strips, bias, out, a, block);
}

}  // namespace llm2clip
