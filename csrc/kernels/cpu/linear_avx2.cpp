#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_f32_strips.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {
namespace {

struct Fp32Product {
  using Number = float;
  using Stored = float;
  using Sum = float;
  using Sums = __m256;
  static constexpr int64_t kGroup = 1;
  static Sums zero() { return _mm256_setzero_ps(); }
  static __m256i read(const float* b) {
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(b));
  }
  static Sums add(Sums sums, __m256i a, __m256i b) {
    return _mm256_fmadd_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), sums);
  }
  static void store(float* to, Sums sums) { _mm256_storeu_ps(to, sums); }
};

}  // namespace

void linear_avx2(const float* x, const float* strips, const float* bias, float* out,
                 const LinearArguments& a, const LinearBlock& block) {
  multiply_share<StripTile<Fp32Product>, multiply_strip_of_any_size>(x, strips, bias, out, a,
                                                                     block);
}

}  // namespace llm2clip
