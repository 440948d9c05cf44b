#include "bench/limits.h"
#include "bench/registers.h"

namespace llm2clip {
namespace {

struct Fp32Product {
  using Sums = __m512;
  static Sums zero() { return _mm512_setzero_ps(); }
  static Sums add(Sums sums, __m512i a, __m512i b) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sums);
  }
};

}  // namespace

double multiply_in_registers_avx512(int64_t repeats) {
  return multiply_in_registers<Fp32Product>(repeats, 32);
}

}  // namespace llm2clip
