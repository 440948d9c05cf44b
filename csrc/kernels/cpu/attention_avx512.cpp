#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_softmax_avx512.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

// One head, repacked so that both matrix products read the columns of their right operand
// contiguously.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : key_columns(round_up(a.tokens, kTileColumns)),
        value_columns(round_up(a.dim, kLanes)),
        keys(scratch),
        values(keys + key_columns * a.dim),
        scores(values + a.tokens * value_columns),
        queries(scores + kTileRows * key_columns) {
    clear_scores(scores, key_columns);
  }

  int64_t key_columns, value_columns;
  float* keys;     // [panels, dim, 64]
  float* values;   // [tokens, value_columns]
  float* scores;   // [6, key_columns]
  float* queries;  // [tokens, dim]
};

void turn(const float* x, int64_t token, const AttentionArguments& a, float scale, float* out) {
  if (a.cos == nullptr) {
    for (int64_t i = 0; i < a.dim; ++i) out[i] = x[i] * scale;
    return;
  }
  const float* cos = a.cos + token * a.dim;
  const float* sin = a.sin + token * a.dim;
  for (int64_t i = 0; i < a.dim; i += 2) {
    out[i] = (x[i] * cos[i] - x[i + 1] * sin[i]) * scale;
    out[i + 1] = (x[i + 1] * cos[i + 1] + x[i] * sin[i + 1]) * scale;
  }
}

// The queries include the scale 1 / (√dim · ln 2), so that scores are exponents of two.
void pack(const float* queries, int64_t to_key, const AttentionArguments& a, const Head& head) {
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  std::fill_n(head.keys, head.key_columns * a.dim, 0.0F);
  for (int64_t token = 0; token < a.tokens; ++token) {
    const float* q = queries + token * a.row();
    float* query = head.queries + token * a.dim;
    // The key is kept temporarily in the query's row while it is copied to its column.
    turn(q + to_key, token, a, 1.0F, query);
    float* key = head.keys + token / kTileColumns * a.dim * kTileColumns + token % kTileColumns;
    for (int64_t i = 0; i < a.dim; ++i) key[i * kTileColumns] = query[i];
    turn(q, token, a, scale, query);
    std::copy_n(q + to_key + a.kv_heads * a.dim, a.dim, head.values + token * head.value_columns);
  }
}

void score(const AttentionArguments& a, const Head& head, int64_t row, int64_t rows) {
  Tile tile{};
  tile.rows = rows;
  tile.a = head.queries + row * a.dim;
  tile.depth = tile.a_stride = a.dim;
  tile.b_stride = kTileColumns;
  tile.c_stride = head.key_columns;
  for (int64_t column = 0; column < a.tokens; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, a.tokens - column);
    tile.b = head.keys + column * a.dim;
    tile.c = head.scores + column;
    multiply_tile_avx512(tile);
  }
}

// Turns a row of scores into unnormalised weights, in place, and returns their sum.
float weigh(const AttentionArguments& a, const Head& head, float* scores) {
  const __m512 largest = largest_of(scores, head.key_columns);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < a.tokens; i += kLanes) {
    const __m512 weights = exp2(_mm512_sub_ps(_mm512_load_ps(scores + i), largest));
    sum = _mm512_add_ps(sum, weights);
    _mm512_mask_store_ps(scores + i, lanes_before(a.tokens, i), weights);
  }
  return _mm512_reduce_add_ps(sum);
}

void mix(const AttentionArguments& a, const Head& head, int64_t rows, float* out) {
  Tile tile{};
  tile.rows = rows;
  tile.a = head.scores;
  tile.depth = a.tokens;
  tile.a_stride = head.key_columns;
  tile.b_stride = head.value_columns;
  tile.c_stride = a.heads * a.dim;
  for (int64_t column = 0; column < a.dim; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, a.dim - column);
    tile.b = head.values + column;
    tile.c = out + column;
    multiply_tile_avx512(tile);
  }
}

void attend(const AttentionArguments& a, const Head& head, float* out) {
  const int64_t stride = a.heads * a.dim;
  for (int64_t row = 0; row < a.tokens; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, a.tokens - row);
    score(a, head, row, rows);
    float scale[kTileRows];
    for (int64_t r = 0; r < rows; ++r) {
      scale[r] = 1.0F / weigh(a, head, head.scores + r * head.key_columns);
    }
    mix(a, head, rows, out + row * stride);
    for (int64_t r = 0; r < rows; ++r) {
      float* to = out + (row + r) * stride;
      for (int64_t i = 0; i < a.dim; ++i) to[i] *= scale[r];
    }
  }
}

}  // namespace

int64_t attention_scratch(const AttentionArguments& a) {
  const int64_t key_columns = round_up(a.tokens, kTileColumns);
  return key_columns * (a.dim + kTileRows) +
         round_up(a.tokens * (round_up(a.dim, kLanes) + a.dim), kLanes);
}

void attention_avx512(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                      int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    pack(qkv + batch * a.row() + offset, a.to_key(i % a.heads), a, head);
    attend(a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
