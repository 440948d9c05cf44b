#include <immintrin.h>

#include "search/int8_sums_avx512.h"
#include "search/score_tile.h"

namespace llm2clip {
namespace {

// With _mm512_dpbusd_epi32(), g++ 12 copies the sums and runs out of registers.
void add_products(__m512i& sums, __m512i unsigned_bytes, __m512i signed_bytes) {
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(unsigned_bytes), "v"(signed_bytes));
}

struct Int8Product : Int8Sums {
  static constexpr int64_t kStep = 64;
  static Row load_row(const std::byte* row, int64_t i) { return _mm512_load_si512(row + i); }
  static Query load_query(const Queries& queries, int64_t query, int64_t i) {
    return {_mm512_load_si512(queries.high(query) + i), _mm512_load_si512(queries.low(query) + i)};
  }
  static void add(Sums& sums, Row row, const Query& query) {
    add_products(sums.high, row, query.high);
    add_products(sums.low, row, query.low);
  }
};

}  // namespace

void score_rows_avx512_vnni(const ScoreBlock& block) { score_all_rows<Int8Product>(block); }

}  // namespace llm2clip
