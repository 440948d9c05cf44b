#include "kernels/cpu/linear_int8_strips.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {

// vpmaddubsw would multiply bytes directly, but it saturates at 16 bits, so its results would not
// be exact.
template <typename T>
void linear_int8_avx2(const int16_t* x, const int16_t* strips, const Int8Scales& scales,
                      const float* bias, T* out, const LinearArguments& a,
                      const LinearBlock& block) {
  multiply_share<Int16Product>(x, strips, scales, bias, out, a, block);
}

template void linear_int8_avx2(const int16_t*, const int16_t*, const Int8Scales&, const float*,
                               float*, const LinearArguments&, const LinearBlock&);
template void linear_int8_avx2(const int16_t*, const int16_t*, const Int8Scales&, const float*,
                               uint16_t*, const LinearArguments&, const LinearBlock&);

}  // namespace llm2clip
