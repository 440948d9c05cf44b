#include "linear_vnni_twin.h"

#include "kernels/cpu/linear_int8_strips.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip::testing {
namespace {

// Adds four products of bytes per sum as vpdpbusd does: first those of even bytes, then those of
// odd ones.
struct TwinProduct : Int8Fours {
  static Sums add(Sums sums, __m256i a, __m256i b) {
    const __m256i even_a = _mm256_and_si256(a, _mm256_set1_epi16(0xff));
    const __m256i even_b = _mm256_srai_epi16(_mm256_slli_epi16(b, 8), 8);
    const __m256i odd_a = _mm256_srli_epi16(a, 8), odd_b = _mm256_srai_epi16(b, 8);
    const __m256i even = _mm256_madd_epi16(even_a, even_b), odd = _mm256_madd_epi16(odd_a, odd_b);
    return _mm256_add_epi32(sums, _mm256_add_epi32(even, odd));
  }
};

}  // namespace

void linear_int8_vnni_twin(const uint8_t* x, const int8_t* strips, const Int8Scales& scales,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearBlock& block) {
  multiply_share<TwinProduct>(x, strips, scales, bias, out, a, block);
}

}  // namespace llm2clip::testing
