#include "bench/limits.h"
#include "bench/registers.h"

namespace llm2clip {
namespace {

struct Bf16Product {
  using Sums = __m512;
  static Sums zero() { return _mm512_setzero_ps(); }
  static Sums add(Sums sums, __m512i a, __m512i b) {
    return _mm512_dpbf16_ps(sums, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
  }
};

}  // namespace

double multiply_in_registers_avx512_bf16(int64_t repeats) {
  return multiply_in_registers<Bf16Product>(repeats, 64);
}

}  // namespace llm2clip
