#include <immintrin.h>

#include "search/int8_sums_avx512.h"
#include "search/score_tile.h"

namespace llm2clip {
namespace {

struct FloatProduct {
  using Sums = __m512;
  using Row = __m512;
  using Query = __m512;
  static constexpr int kRows = 4, kQueries = 4;
  static constexpr int64_t kStep = 16;
  static Sums zero() { return _mm512_setzero_ps(); }
  static Query load_query(const Queries& queries, int64_t query, int64_t i) {
    return _mm512_load_ps(queries.numbers(query) + i);
  }
  static void add(Sums& sums, Row row, Query query) { sums = _mm512_fmadd_ps(row, query, sums); }
  static float score(const ScoreBlock&, int64_t, int64_t, Sums sums) {
    return _mm512_reduce_add_ps(sums);
  }
};

struct Fp32Product : FloatProduct {
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm512_load_ps(reinterpret_cast<const float*>(row) + i);
  }
};

struct Fp16Product : FloatProduct {
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm512_cvtph_ps(_mm256_load_si256(reinterpret_cast<const __m256i*>(row + 2 * i)));
  }
};

__m512i widen(const int8_t* bytes) {
  return _mm512_cvtepi8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(bytes)));
}

// Bytes are widened to 16 bits, and their products are added in pairs.
struct Int8Product : Int8Sums {
  static constexpr int64_t kStep = 32;
  static Row load_row(const std::byte* row, int64_t i) {
    return _mm512_cvtepu8_epi16(_mm256_load_si256(reinterpret_cast<const __m256i*>(row + i)));
  }
  static Query load_query(const Queries& queries, int64_t query, int64_t i) {
    return {widen(queries.high(query) + i), widen(queries.low(query) + i)};
  }
  static void add(Sums& sums, Row row, const Query& query) {
    sums.high = _mm512_add_epi32(sums.high, _mm512_madd_epi16(row, query.high));
    sums.low = _mm512_add_epi32(sums.low, _mm512_madd_epi16(row, query.low));
  }
};

}  // namespace

void score_rows_avx512(const ScoreBlock& block) {
  switch (block.queries->format().storage) {
    case Storage::kFp32: return score_all_rows<Fp32Product>(block);
    case Storage::kFp16: return score_all_rows<Fp16Product>(block);
    case Storage::kInt8: return score_all_rows<Int8Product>(block);
  }
}

}  // namespace llm2clip
