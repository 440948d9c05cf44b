#include "kernels/cpu/tile_avx512.h"

namespace llm2clip {
namespace {

struct Fp32Product {
  using Tile = llm2clip::Tile;
  using Sums = __m512;
  static Sums zero() { return _mm512_setzero_ps(); }
  static Sums load(__mmask16 mask, const float* from) { return _mm512_maskz_loadu_ps(mask, from); }
  static void store(float* to, __mmask16 mask, Sums sums) { _mm512_mask_storeu_ps(to, mask, sums); }
  static Sums add(Sums sums, __m512i a, __m512i b) {
    return _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), sums);
  }
};

}  // namespace

void multiply_tile_avx512(const Tile& tile) { multiply_tile_of_any_size<Fp32Product>(tile); }

}  // namespace llm2clip
