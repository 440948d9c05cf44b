#include <immintrin.h>

#include <array>

#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

constexpr int kLanes = 16;
constexpr int kVectors = kTileColumns / kLanes;

// The last vector may be cut short; the others are whole.
template <int Rows, int Vectors>
void multiply(const Tile& t) {
  const auto last = static_cast<__mmask16>(0xffffU >> (Vectors * kLanes - t.columns));
  __m512 sum[Rows][Vectors];
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      const __mmask16 mask = v + 1 < Vectors ? 0xffff : last;
      sum[r][v] = t.start == nullptr
                      ? _mm512_setzero_ps()
                      : _mm512_maskz_loadu_ps(mask, t.start + r * t.start_stride + v * kLanes);
    }
  }
  for (int64_t i = 0; i < t.depth; ++i) {
    __m512 b[Vectors];
    for (int v = 0; v < Vectors; ++v) b[v] = _mm512_load_ps(t.b + i * t.b_stride + v * kLanes);
    for (int r = 0; r < Rows; ++r) {
      const __m512 a = _mm512_set1_ps(t.a[r * t.a_stride + i]);
      for (int v = 0; v < Vectors; ++v) sum[r][v] = _mm512_fmadd_ps(a, b[v], sum[r][v]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int v = 0; v < Vectors; ++v) {
      const __mmask16 mask = v + 1 < Vectors ? 0xffff : last;
      _mm512_mask_storeu_ps(t.c + r * t.c_stride + v * kLanes, mask, sum[r][v]);
    }
  }
}

using Multiply = void (*)(const Tile&);

template <int Rows>
constexpr std::array<Multiply, kVectors> kByVectors = {multiply<Rows, 1>, multiply<Rows, 2>,
                                                       multiply<Rows, 3>, multiply<Rows, 4>};

constexpr std::array<std::array<Multiply, kVectors>, kTileRows> kBySize = {
    kByVectors<1>, kByVectors<2>, kByVectors<3>, kByVectors<4>, kByVectors<5>, kByVectors<6>};

}  // namespace

void multiply_tile_avx512(const Tile& tile) {
  kBySize[tile.rows - 1][(tile.columns - 1) / kLanes](tile);
}

}  // namespace llm2clip
