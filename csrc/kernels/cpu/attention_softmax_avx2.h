#pragma once

#include <immintrin.h>

#include <cstdint>

#include "kernels/cpu/attention.h"

namespace llm2clip {

// Functions that the attention kernels for 256-bit registers share. All of them are local to the
// file that includes this one.
static constexpr int64_t kLanes = 8;

static inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Sets all bits of the lanes, of 8 from index i on, that are before n.
static inline __m256i lanes_before(int64_t n, int64_t i) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n - i)), lanes);
}

// Loads 8 numbers of x from i on, with zeros from n on.
static inline __m256 load_before(const float* x, int64_t n, int64_t i) {
  return i + kLanes <= n ? _mm256_loadu_ps(x + i) : _mm256_maskload_ps(x + i, lanes_before(n, i));
}

// Rotates 8 numbers of one token, from i on, by its angles.
static inline __m256 turned(__m256 x, int64_t token, int64_t i, const AttentionArguments& a) {
  if (a.cos == nullptr) return x;
  const __m256 cos = load_before(a.cos + token * a.dim, a.dim, i);
  const __m256 sin = load_before(a.sin + token * a.dim, a.dim, i);
  const __m256 swapped = _mm256_permute_ps(x, 0b10'11'00'01);
  // Subtracts in even lanes and adds in odd ones.
  return _mm256_fmaddsub_ps(x, cos, _mm256_mul_ps(swapped, sin));
}

// Calls body(i, keep) for every 8 lanes before `end`. keep(x, other) returns x in lanes before n,
// and `other` in the rest.
template <typename Body>
static inline void for_lanes(int64_t n, int64_t end, const Body& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, [](__m256 x, __m256) { return x; });
  for (; i < end; i += kLanes) {
    const __m256 before = _mm256_castsi256_ps(lanes_before(n, i));
    body(i, [before](__m256 x, __m256 other) { return _mm256_blendv_ps(other, x, before); });
  }
}

// 2^x with an error of 2 ulp. x below −126 counts as −126. The polynomial is that of
// attention_softmax_avx512.h.
static inline __m256 exp2(__m256 x) {
  x = _mm256_max_ps(_mm256_set1_ps(-126.0F), x);  // NaN stays NaN
  const __m256 whole = _mm256_floor_ps(x);
  const __m256 r = _mm256_sub_ps(x, whole);
  __m256 p = _mm256_set1_ps(1.87757667e-3F);
  for (const float term :
       {8.98934009e-3F, 5.58263181e-2F, 0.240153617F, 0.693153073F, 0.999999925F}) {
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(term));
  }
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127));
  return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

// The largest of 8 lanes, and the sum of 8 lanes.
static inline float largest_lane(__m256 x) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_shuffle_ps(half, half, 1)));
}

static inline float sum_of_lanes(__m256 x) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_shuffle_ps(half, half, 1)));
}

}  // namespace llm2clip
