#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>

#include "kernels/cpu/tile.h"

namespace llm2clip {

// Shared by the attention kernels. Everything here is local to the file that includes it, because
// each such file is compiled for different instructions.
static constexpr int64_t kLanes = 16;

static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// The mask of those lanes from i to i + 15 that lie before n. Requires i < n.
static inline __mmask16 lanes_before(int64_t n, int64_t i) {
  return i + kLanes <= n ? __mmask16{0xffff} : static_cast<__mmask16>(0xffffU >> (i + kLanes - n));
}

// 2^x to 2 ulp. 2^⌊x⌋ goes into the exponent. 2^(x − ⌊x⌋) is a minimax polynomial on [0, 1], with
// the smallest relative error for its degree.
static inline __m512 exp2(__m512 x) {
  const __m512 r = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  __m512 p = _mm512_set1_ps(1.87757667e-3F);
  for (const float term :
       {8.98934009e-3F, 5.58263181e-2F, 0.240153617F, 0.693153073F, 0.999999925F}) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(term));
  }
  return _mm512_scalef_ps(p, x);
}

// Sets the scores to −∞. A row is a multiple of 64 long, and no score is ever written after the
// last key, so once is enough. An entry of −∞ is never the largest, and its weight is zero.
static inline void clear_scores(float* scores, int64_t columns) {
  const __m512 least = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < kTileRows * columns; i += kLanes) _mm512_store_ps(scores + i, least);
}

// The largest score of a row, in all lanes.
static inline __m512 largest_of(const float* scores, int64_t columns) {
  __m512 most[4];
  for (int v = 0; v < 4; ++v) most[v] = _mm512_load_ps(scores + v * kLanes);
  for (int64_t i = 4 * kLanes; i < columns; i += 4 * kLanes) {
    for (int v = 0; v < 4; ++v) {
      most[v] = _mm512_max_ps(most[v], _mm512_load_ps(scores + i + v * kLanes));
    }
  }
  const __m512 low = _mm512_max_ps(most[0], most[1]), high = _mm512_max_ps(most[2], most[3]);
  return _mm512_set1_ps(_mm512_reduce_max_ps(_mm512_max_ps(low, high)));
}

}  // namespace llm2clip
