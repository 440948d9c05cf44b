#include "kernels/cpu/tile_avx512.h"

namespace llm2clip {
namespace {

struct Int32Sums {
  using Sums = __m512i;
  static Sums zero() { return _mm512_setzero_si512(); }
  static Sums load(__mmask16 mask, const int32_t* from) {
    return _mm512_maskz_loadu_epi32(mask, from);
  }
  static void store(int32_t* to, __mmask16 mask, Sums sums) {
    _mm512_mask_storeu_epi32(to, mask, sums);
  }
};

// With _mm512_dpwssd_epi32() and _mm512_dpbusd_epi32(), g++ 12 copies the sums and runs out of
// registers.
struct Int16Product : Int32Sums {
  using Tile = Int16Tile;
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpwssd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
};

struct Int8Product : Int32Sums {
  using Tile = Int8Tile;
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
};

}  // namespace

void multiply_tile_avx512_vnni(const Int16Tile& tile) {
  multiply_tile_of_any_size<Int16Product>(tile);
}

void multiply_tile_avx512_vnni(const Int8Tile& tile) {
  multiply_tile_of_any_size<Int8Product>(tile);
}

}  // namespace llm2clip
