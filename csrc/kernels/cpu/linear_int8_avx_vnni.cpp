#include "kernels/cpu/linear_int8_strips.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {
namespace {

struct VnniProduct : Int8Fours {
  static Sums add(Sums sums, __m256i a, __m256i b) {
    asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(a), "x"(b));
    return sums;
  }
};

}  // namespace

template <typename T>
void linear_int8_avx_vnni(const uint8_t* x, const int8_t* strips, const Int8Scales& scales,
                          const float* bias, T* out, const LinearArguments& a,
                          const LinearBlock& block) {
  multiply_share<VnniProduct>(x, strips, scales, bias, out, a, block);
}

template void linear_int8_avx_vnni(const uint8_t*, const int8_t*, const Int8Scales&, const float*,
                                   float*, const LinearArguments&, const LinearBlock&);
template void linear_int8_avx_vnni(const uint8_t*, const int8_t*, const Int8Scales&, const float*,
                                   uint16_t*, const LinearArguments&, const LinearBlock&);

}  // namespace llm2clip
