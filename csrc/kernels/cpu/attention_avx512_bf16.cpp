#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_pairs_avx512.h"

namespace llm2clip {
namespace {

struct Bf16Product {
  using Tile = Bf16Tile;
  using Sum = float;
  static void multiply(const Tile& tile) { multiply_tile_avx512_bf16(tile); }
};

using Head = PairedHead<Bf16Product>;

struct Tokens {
  int64_t first, count;
};

__m512 to_float(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

__m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

// Applies RoPE and the scale to up to 16 tokens of q or k → out [tokens, dim].
void turn(const uint16_t* x, const Tokens& tokens, const AttentionArguments& a, float scale,
          uint16_t* out) {
  for (int64_t t = 0; t < tokens.count; ++t) {
    const uint16_t* from = x + t * a.row();
    for (int64_t i = 0; i < a.dim; i += kLanes) {
      const __mmask16 mask = lanes_before(a.dim, i);
      const __m512 x = to_float(_mm256_maskz_loadu_epi16(mask, from + i));
      const __m512 y = _mm512_mul_ps(turned(x, tokens.first + t, i, a), _mm512_set1_ps(scale));
      _mm256_mask_storeu_epi16(out + t * a.dim + i, mask, to_bf16(y));
    }
  }
}

// The queries include the scale 1 / (√dim · ln 2), so that scores are exponents of two.
void pack_queries_and_keys(const uint16_t* first_query, int64_t to_key, const AttentionArguments& a,
                           const Head& head) {
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  for (int64_t token = 0; token < a.tokens; token += kLanes) {
    const Tokens tokens{token, std::min(kLanes, a.tokens - token)};
    const uint16_t* q = first_query + token * a.row();
    uint16_t* queries = head.queries + token * a.dim;
    // The keys are kept temporarily in the queries' rows while they are copied to their columns.
    turn(q + to_key, tokens, a, 1.0F, queries);
    spread_keys(queries, token, a, head);
    turn(q, tokens, a, scale, queries);
  }
}

// Packs two tokens at a time. If there is no second token, its values are zeros.
void pack_values(const uint16_t* v, const AttentionArguments& a, const Head& head) {
  const int64_t stride = a.row();
  for (int64_t token = 0; token < a.tokens; token += Head::kPair) {
    const uint16_t* from = v + token * stride;
    uint16_t* to = head.values + token * head.value_columns;
    for (int64_t i = 0; i < a.dim; i += kLanes) {
      const __mmask16 mask = lanes_before(a.dim, i);
      const __mmask16 second_mask = token + 1 < a.tokens ? mask : __mmask16{0};
      const __m256i first = _mm256_maskz_loadu_epi16(mask, from + i);
      const __m256i second = _mm256_maskz_loadu_epi16(second_mask, from + stride + i);
      _mm512_store_si512(to + i * Head::kPair,
                         _mm512_or_si512(_mm512_cvtepu16_epi32(first),
                                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16)));
    }
  }
}

// Turns a row of scores into unnormalised weights and returns their sum, computed from the weights
// after rounding to bf16.
float weigh(const AttentionArguments& a, const Head& head, const float* scores, uint16_t* weights) {
  const __m512 largest = largest_of(scores, head.key_columns);
  const auto ones = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3f80));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < a.tokens; i += 2 * kLanes) {
    const __m512 low = exp2(_mm512_sub_ps(_mm512_load_ps(scores + i), largest));
    const __m512 high = exp2(_mm512_sub_ps(_mm512_load_ps(scores + i + kLanes), largest));
    const __m512bh both = _mm512_cvtne2ps_pbh(high, low);
    _mm512_store_si512(weights + i, reinterpret_cast<__m512i>(both));
    sum = _mm512_dpbf16_ps(sum, both, ones);
  }
  return _mm512_reduce_add_ps(sum);
}

void store_divided(const float* products, float sum, int64_t dim, uint16_t* out) {
  const __m512 scale = _mm512_set1_ps(1.0F / sum);
  for (int64_t i = 0; i < dim; i += kLanes) {
    _mm256_mask_storeu_epi16(out + i, lanes_before(dim, i),
                             to_bf16(_mm512_mul_ps(_mm512_load_ps(products + i), scale)));
  }
}

void attend(const AttentionArguments& a, const Head& head, uint16_t* out) {
  for (int64_t row = 0; row < a.tokens; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, a.tokens - row);
    score(a, head, row, rows);
    float sums[kTileRows];
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * head.key_columns;
      sums[r] = weigh(a, head, head.scores + at, head.weights + at);
    }
    mix(a, head, rows);
    for (int64_t r = 0; r < rows; ++r) {
      store_divided(head.products + r * head.value_columns, sums[r], a.dim,
                    out + (row + r) * a.heads * a.dim);
    }
  }
}

}  // namespace

int64_t attention_scratch_bf16(const AttentionArguments& a) { return Head::size(a); }

void attention_avx512_bf16(const uint16_t* qkv, uint16_t* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  clear_scores(head.scores, head.key_columns);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    const int64_t to_key = a.to_key(i % a.heads);
    const uint16_t* q = qkv + batch * a.row() + offset;
    pack_queries_and_keys(q, to_key, a, head);
    pack_values(q + to_key + a.kv_heads * a.dim, a, head);
    attend(a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
