#pragma once

#include <immintrin.h>

#include "search/score_tile.h"

namespace llm2clip {
namespace {

// Shared by the int8 kernels, whatever their multiply instruction: separate sums with the high and
// the low bytes of a query. Like score_tile.h, this is local to the file that includes it.
struct Int8Sums {
  struct Pair {
    __m512i high, low;
  };
  using Sums = Pair;
  using Query = Pair;
  using Row = __m512i;
  static constexpr int kRows = 4, kQueries = 2;
  static Sums zero() { return {_mm512_setzero_si512(), _mm512_setzero_si512()}; }
  static float score(const ScoreBlock& block, int64_t row, int64_t query, const Sums& sums) {
    return score_of_sums(block, row, query, _mm512_reduce_add_epi32(sums.high),
                         _mm512_reduce_add_epi32(sums.low));
  }
};

}  // namespace
}  // namespace llm2clip
