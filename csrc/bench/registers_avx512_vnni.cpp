#include "bench/limits.h"
#include "bench/registers.h"

namespace llm2clip {
namespace {

struct Int32Sums {
  using Sums = __m512i;
  static Sums zero() { return _mm512_setzero_si512(); }
};

// In assembly, like kernels/cpu/tile_avx512_vnni.cpp.
struct Int16Product : Int32Sums {
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
};

struct Int8Product : Int32Sums {
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
};

}  // namespace

double multiply_int16_in_registers_avx512_vnni(int64_t repeats) {
  return multiply_in_registers<Int16Product>(repeats, 64);
}

double multiply_int8_in_registers_avx512_vnni(int64_t repeats) {
  return multiply_in_registers<Int8Product>(repeats, 128);
}

}  // namespace llm2clip
