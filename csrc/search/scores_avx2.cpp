#include <immintrin.h>

#include "search/score_tile.h"

namespace llm2clip {
namespace {

float sum_of(__m256 lanes) {
  __m128 sums = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps(lanes, 1));
  sums = _mm_add_ps(sums, _mm_movehl_ps(sums, sums));
  return _mm_cvtss_f32(_mm_add_ss(sums, _mm_movehdup_ps(sums)));
}

int32_t sum_of(__m256i lanes) {
  __m128i sums = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256(lanes, 1));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(1, 0, 3, 2)));
  sums = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, _MM_SHUFFLE(2, 3, 0, 1)));
  return _mm_cvtsi128_si32(sums);
}

struct FloatProduct {
  using Sums = __m256;
  using Row = __m256;
  using Query = __m256;
  static constexpr int kRows = 4, kQueries = 2;
  static constexpr int64_t kStep = 8;
  static Sums zero() { return _mm256_setzero_ps(); }
  static Query load_query(const Queries& queries, int64_t query, int64_t i) {
    return _mm256_load_ps(queries.numbers(query) + i);
  }
  static void add(Sums& sums, Row row, Query query) { sums = _mm256_fmadd_ps(row, query, sums); }
  static float score(const ScoreBlock&, int64_t, int64_t, Sums sums) { return sum_of(sums); }
};

struct Fp32Product : FloatProduct {
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm256_load_ps(reinterpret_cast<const float*>(row) + i);
  }
};

struct Fp16Product : FloatProduct {
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm256_cvtph_ps(_mm_load_si128(reinterpret_cast<const __m128i*>(row + 2 * i)));
  }
};

__m256i widen(const int8_t* bytes) {
  return _mm256_cvtepi8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(bytes)));
}

// Bytes are widened to 16 bits, and their products are added in pairs.
struct Int8Product {
  struct Sums {
    __m256i high, low;
  };
  using Row = __m256i;
  struct Query {
    __m256i high, low;
  };
  static constexpr int kRows = 4, kQueries = 1;
  static constexpr int64_t kStep = 16;
  static Sums zero() { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(row + i)));
  }
  static Query load_query(const Queries& queries, int64_t query, int64_t i) {
    return {widen(queries.high(query) + i), widen(queries.low(query) + i)};
  }
  static void add(Sums& sums, Row row, const Query& query) {
    sums.high = _mm256_add_epi32(sums.high, _mm256_madd_epi16(row, query.high));
    sums.low = _mm256_add_epi32(sums.low, _mm256_madd_epi16(row, query.low));
  }
  static float score(const ScoreBlock& block, int64_t row, int64_t query, const Sums& sums) {
    return score_of_sums(block, row, query, sum_of(sums.high), sum_of(sums.low));
  }
};

}  // namespace

void score_rows_avx2(const ScoreBlock& block) {
  switch (block.queries->format().storage) {
    case Storage::kFp32: return score_all_rows<Fp32Product>(block);
    case Storage::kFp16: return score_all_rows<Fp16Product>(block);
    case Storage::kInt8: return score_all_rows<Int8Product>(block);
  }
}

}  // namespace llm2clip
