#include "bench/limits.h"
#include "bench/registers.h"

namespace llm2clip {
namespace {

struct Int8Product {
  using Sums = __m512i;
  static Sums zero() { return _mm512_setzero_si512(); }
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpbusd %2, %1, %0"
        : "+v"(sums)
        : "v"(a), "v"(b));  // as kernels/cpu/tile_avx512_vnni.cpp
    return sums;
  }
};

}  // namespace

double multiply_in_registers_avx512_vnni(int64_t repeats) {
  return multiply_in_registers<Int8Product>(repeats, 128);
}

}  // namespace llm2clip
