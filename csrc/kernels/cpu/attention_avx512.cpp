#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

constexpr int64_t kLanes = 16;

int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// One head, repacked so that both products read the columns of their right side together.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : key_columns(round_up(a.tokens, kTileColumns)),
        value_columns(round_up(a.dim, kLanes)),
        keys(scratch),
        values(keys + key_columns * a.dim),
        scores(values + a.tokens * value_columns),
        queries(scores + kTileRows * key_columns) {}

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

// Queries carry the scale: scores come out as powers of two.
void pack(const float* qkv, const AttentionArguments& a, const Head& head) {
  const int64_t width = a.heads * a.dim;
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  std::fill_n(head.keys, head.key_columns * a.dim, 0.0F);
  for (int64_t token = 0; token < a.tokens; ++token) {
    const float* q = qkv + token * 3 * width;
    float* query = head.queries + token * a.dim;
    // The key stays in the query's row while it is spread over its column.
    turn(q + width, token, a, 1.0F, query);
    float* key = head.keys + token / kTileColumns * a.dim * kTileColumns + token % kTileColumns;
    for (int64_t i = 0; i < a.dim; ++i) key[i * kTileColumns] = query[i];
    turn(q, token, a, scale, query);
    std::copy_n(q + 2 * width, a.dim, head.values + token * head.value_columns);
  }
}

// 2^x for x ≤ 0 to 3 ulp: x = n + r, |r| ≤ 1/2, 2^r by its Taylor series.
inline __m512 exp2(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 r = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.540353e-4F);
  for (const float term :
       {1.333356e-3F, 9.618129e-3F, 5.5504109e-2F, 0.24022651F, 0.69314718F, 1.0F}) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(term));
  }
  return _mm512_scalef_ps(p, n);
}

// Turns n scores into weights that still have to be divided by their sum, which it returns.
float exponentiate(float* x, int64_t n) {
  const auto last = static_cast<__mmask16>(0xffffU >> (round_up(n, kLanes) - n));
  const auto mask = [&](int64_t i) { return i + kLanes <= n ? __mmask16{0xffff} : last; };
  __m512 most = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (int64_t i = 0; i < n; i += kLanes) {
    most = _mm512_mask_max_ps(most, mask(i), most, _mm512_load_ps(x + i));
  }
  const __m512 shift = _mm512_set1_ps(_mm512_reduce_max_ps(most));
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < n; i += kLanes) {
    const __m512 weight = exp2(_mm512_sub_ps(_mm512_load_ps(x + i), shift));
    sum = _mm512_mask_add_ps(sum, mask(i), sum, weight);
    _mm512_store_ps(x + i, weight);
  }
  return _mm512_reduce_add_ps(sum);
}

void score(const AttentionArguments& a, const Head& head, int64_t row, int64_t rows) {
  Tile tile{};
  tile.rows = rows;
  tile.columns = kTileColumns;
  tile.a = head.queries + row * a.dim;
  tile.depth = tile.a_stride = a.dim;
  tile.b_stride = kTileColumns;
  tile.c_stride = head.key_columns;
  for (int64_t column = 0; column < head.key_columns; column += kTileColumns) {
    tile.b = head.keys + column * a.dim;
    tile.c = head.scores + column;
    multiply_tile_avx512(tile);
  }
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
      scale[r] = 1.0F / exponentiate(head.scores + r * head.key_columns, a.tokens);
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
  return key_columns * (a.dim + kTileRows) + a.tokens * (round_up(a.dim, kLanes) + a.dim);
}

void attention_avx512(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                      int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    pack(qkv + batch * 3 * width + offset, a, head);
    attend(a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
