#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_softmax_avx512.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

constexpr int64_t kPair = Bf16Tile::kGroup;

// One head, repacked so that both products read the columns of their right side together and two
// steps of their depth side by side.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : key_columns(round_up(a.tokens, kTileColumns)),
        value_columns(round_up(a.dim, kLanes)),
        scores(scratch),
        products(scores + kTileRows * key_columns),
        keys(reinterpret_cast<uint16_t*>(products + kTileRows * value_columns)),
        values(keys + key_columns * a.dim),
        weights(values + round_up(a.tokens, kPair) * value_columns),
        queries(weights + kTileRows * key_columns) {
    clear_scores(scores, key_columns);
  }

  int64_t key_columns, value_columns;
  float* scores;      // [6, key_columns]
  float* products;    // [6, value_columns]
  uint16_t* keys;     // [panels, dim / 2, 64, 2]
  uint16_t* values;   // [tokens / 2, value_columns, 2]
  uint16_t* weights;  // [6, key_columns]
  uint16_t* queries;  // [tokens, dim]
};

struct Tokens {
  int64_t first, count;
};

__m512 to_float(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

__m256i to_bf16(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }

// 16 numbers of one token from i on, turned by its angles.
__m512 turned(const uint16_t* x, int64_t token, int64_t i, const AttentionArguments& a) {
  const __mmask16 mask = lanes_before(a.dim, i);
  const __m512 straight = to_float(_mm256_maskz_loadu_epi16(mask, x + i));
  if (a.cos == nullptr) return straight;
  const __m512 cos = _mm512_maskz_loadu_ps(mask, a.cos + token * a.dim + i);
  const __m512 sin = _mm512_maskz_loadu_ps(mask, a.sin + token * a.dim + i);
  const __m512 swapped = _mm512_permute_ps(straight, 0b10'11'00'01);
  // Subtracts in even lanes, adds in odd ones.
  return _mm512_fmaddsub_ps(straight, cos, _mm512_mul_ps(swapped, sin));
}

// Up to 16 tokens of q or k, turned and scaled → out [tokens, dim].
void turn(const uint16_t* x, const Tokens& tokens, const AttentionArguments& a, float scale,
          uint16_t* out) {
  for (int64_t t = 0; t < tokens.count; ++t) {
    const uint16_t* from = x + t * a.row();
    for (int64_t i = 0; i < a.dim; i += kLanes) {
      const __m512 y = turned(from, tokens.first + t, i, a);
      _mm256_mask_storeu_epi16(out + t * a.dim + i, lanes_before(a.dim, i),
                               to_bf16(_mm512_mul_ps(y, _mm512_set1_ps(scale))));
    }
  }
}

// Rows [tokens, dim] → columns [dim / 2, 64, 2] of a panel; columns without a token are zeros.
void spread(const uint16_t* rows, int64_t tokens, int64_t dim, uint16_t* panel) {
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i offsets = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(static_cast<int>(dim)));
  for (int64_t i = 0; i < dim; i += kPair) {
    const __m512i pairs = _mm512_mask_i32gather_epi32(
        _mm512_setzero_si512(), lanes_before(tokens, 0), offsets, rows + i, sizeof(*rows));
    _mm512_store_si512(panel + i * kTileColumns, pairs);
  }
}

// Queries carry the scale: scores come out as powers of two.
void pack_queries_and_keys(const uint16_t* first_query, int64_t to_key, const AttentionArguments& a,
                           const Head& head) {
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  for (int64_t token = 0; token < a.tokens; token += kLanes) {
    const Tokens tokens{token, std::min(kLanes, a.tokens - token)};
    const uint16_t* q = first_query + token * a.row();
    uint16_t* queries = head.queries + token * a.dim;
    const int64_t column = token % kTileColumns;
    // The keys stay in the queries' rows while they are spread over their columns.
    turn(q + to_key, tokens, a, 1.0F, queries);
    spread(queries, tokens.count, a.dim, head.keys + (token - column) * a.dim + column * kPair);
    turn(q, tokens, a, scale, queries);
  }
}

// Two tokens at a time; where there is no second one its values are zeros.
void pack_values(const uint16_t* v, const AttentionArguments& a, const Head& head) {
  const int64_t stride = a.row();
  for (int64_t token = 0; token < a.tokens; token += kPair) {
    const uint16_t* from = v + token * stride;
    uint16_t* to = head.values + token * head.value_columns;
    for (int64_t i = 0; i < a.dim; i += kLanes) {
      const __mmask16 mask = lanes_before(a.dim, i);
      const __mmask16 second_mask = token + 1 < a.tokens ? mask : __mmask16{0};
      const __m256i first = _mm256_maskz_loadu_epi16(mask, from + i);
      const __m256i second = _mm256_maskz_loadu_epi16(second_mask, from + stride + i);
      _mm512_store_si512(to + i * kPair,
                         _mm512_or_si512(_mm512_cvtepu16_epi32(first),
                                         _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16)));
    }
  }
}

void score(const AttentionArguments& a, const Head& head, int64_t row, int64_t rows) {
  Bf16Tile tile{};
  tile.rows = rows;
  tile.a = head.queries + row * a.dim;
  tile.depth = tile.a_stride = a.dim;
  tile.b_stride = kTileColumns * kPair;
  tile.c_stride = head.key_columns;
  for (int64_t column = 0; column < a.tokens; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, a.tokens - column);
    tile.b = head.keys + column * a.dim;
    tile.c = head.scores + column;
    multiply_tile_avx512_bf16(tile);
  }
}

// Turns a row of scores into weights that still have to be divided by their sum, which it returns:
// the sum of the weights as the product will see them.
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

void mix(const AttentionArguments& a, const Head& head, int64_t rows) {
  Bf16Tile tile{};
  tile.rows = rows;
  tile.a = head.weights;
  tile.depth = round_up(a.tokens, kPair);
  tile.a_stride = head.key_columns;
  tile.b_stride = head.value_columns * kPair;
  tile.c_stride = head.value_columns;
  for (int64_t column = 0; column < a.dim; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, head.value_columns - column);
    tile.b = head.values + column * kPair;
    tile.c = head.products + column;
    multiply_tile_avx512_bf16(tile);
  }
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

int64_t attention_scratch_bf16(const AttentionArguments& a) {
  const int64_t key_columns = round_up(a.tokens, kTileColumns);
  const int64_t value_columns = round_up(a.dim, kLanes);
  const int64_t halves = key_columns * (a.dim + kTileRows) +
                         round_up(a.tokens, kPair) * value_columns + a.tokens * a.dim;
  return kTileRows * (key_columns + value_columns) + round_up(halves / 2, kLanes);
}

void attention_avx512_bf16(const uint16_t* qkv, uint16_t* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
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
