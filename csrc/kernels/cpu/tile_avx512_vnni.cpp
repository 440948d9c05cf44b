#include "kernels/cpu/tile_avx512.h"

namespace llm2clip {
namespace {

struct Int8Product {
  using Tile = Int8Tile;
  using Sums = __m512i;
  static Sums zero() { return _mm512_setzero_si512(); }
  static Sums load(__mmask16 mask, const int32_t* from) {
    return _mm512_maskz_loadu_epi32(mask, from);
  }
  static void store(int32_t* to, __mmask16 mask, Sums sums) {
    _mm512_mask_storeu_epi32(to, mask, sums);
  }
  // _mm512_dpbusd_epi32(), of which g++ 12 makes a copy that it has no register for.
  static Sums add(Sums sums, __m512i a, __m512i b) {
    asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
    return sums;
  }
};

}  // namespace

void multiply_tile_avx512_vnni(const Int8Tile& tile) {
  multiply_tile_of_any_size<Int8Product>(tile);
}

}  // namespace llm2clip
