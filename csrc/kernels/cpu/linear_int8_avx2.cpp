#include "kernels/cpu/linear_int8_strips.h"

namespace llm2clip {
namespace {

// Widens the weights of two steps and eight outputs at a time. vpmaddubsw would multiply bytes
// directly, but it saturates at 16 bits, so its results would not be exact.
struct Int8Product : Int16Product {
  using Stored = int8_t;
  static __m256i read(const int8_t* b) {
    return _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(b)));
  }
};

}  // namespace

template <typename T>
void linear_int8_avx2(const int16_t* x, const int8_t* packed, const Int8Scales& scales,
                      const float* bias, T* out, const LinearArguments& a,
                      const LinearShares& shares, int64_t share) {
  multiply_share<Int8Product>(x, packed, scales, bias, out, a, {a, shares, share});
}

template void linear_int8_avx2(const int16_t*, const int8_t*, const Int8Scales&, const float*,
                               float*, const LinearArguments&, const LinearShares&, int64_t);
template void linear_int8_avx2(const int16_t*, const int8_t*, const Int8Scales&, const float*,
                               uint16_t*, const LinearArguments&, const LinearShares&, int64_t);

}  // namespace llm2clip
