#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_softmax_avx2.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {
namespace {

// One head, packed so that both products read strips of their right operand. Each strip is
// multiplied by kStripRows rows before the next strip.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : columns(round_up(a.tokens, kStripColumns)),
        width(round_up(a.dim, kStripColumns)),
        keys(scratch),
        values(keys + columns * width),
        scores(values + columns * width),
        queries(scores + kStripRows * columns) {}

  // The number of floats of scratch memory, a multiple of 16.
  static int64_t size(const AttentionArguments& a) {
    const Head head(a, nullptr);
    return 2 * head.columns * head.width + kStripRows * (head.columns + head.width);
  }

  int64_t columns, width;  // tokens and dim, rounded up to whole strips
  float* keys;             // [columns / 16, width, 16]
  float* values;           // [width / 16, columns, 16]
  float* scores;           // [kStripRows, columns]
  float* queries;          // [kStripRows, width]
};

// Rotates one token of q or k, and scales it. Writes zeros from dim to width.
void turn(const float* x, int64_t token, const AttentionArguments& a, float scale, int64_t width,
          float* out) {
  for (int64_t i = 0; i < width; i += kLanes) {
    const __m256 y =
        i < a.dim ? turned(load_before(x, a.dim, i), token, i, a) : _mm256_setzero_ps();
    _mm256_store_ps(out + i, _mm256_mul_ps(y, _mm256_set1_ps(scale)));
  }
}

void pack_keys(const float* k, const AttentionArguments& a, const Head& head) {
  for (int64_t token = 0; token < a.tokens; ++token) {
    // The key is kept temporarily in the queries' memory while it is copied to its column.
    turn(k + token * a.row(), token, a, 1.0F, head.width, head.queries);
    const int64_t column = token % kStripColumns;
    float* to = head.keys + (token - column) * head.width + column;
    for (int64_t i = 0; i < a.dim; ++i) to[i * kStripColumns] = head.queries[i];
  }
}

void pack_values(const float* v, const AttentionArguments& a, const Head& head) {
  for (int64_t i = 0; i < head.width; i += kLanes) {
    const int64_t strip = i / kStripColumns * kStripColumns;
    float* to = head.values + strip * head.columns + i - strip;
    for (int64_t token = 0; token < a.tokens; ++token) {
      const __m256 x = i < a.dim ? load_before(v + token * a.row(), a.dim, i) : _mm256_setzero_ps();
      _mm256_store_ps(to + token * kStripColumns, x);
    }
  }
}

// Multiplies `rows` rows of queries by all keys.
void score(const AttentionArguments& a, const Head& head, int64_t rows) {
  StripTile<Fp32Product> tile{};
  tile.groups = a.dim;
  tile.a_stride = head.width;
  tile.c_stride = head.columns;
  for (int64_t column = 0; column < a.tokens; column += kStripColumns) {
    tile.b = head.keys + column * head.width;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = head.queries + row * head.width;
      tile.c = head.scores + row * head.columns + column;
      multiply_strip_of_any_size(tile);
    }
  }
}

// The largest score of a row.
float largest_of(const AttentionArguments& a, const Head& head, const float* scores) {
  const __m256 least = _mm256_set1_ps(-INFINITY);
  __m256 most = least;
  for_lanes(a.tokens, head.columns, [&](int64_t i, const auto& keep) {
    most = _mm256_max_ps(most, keep(_mm256_load_ps(scores + i), least));
  });
  return largest_lane(most);
}

// Replaces a row of scores by weights, before their division by their sum, which is returned.
float weigh(const AttentionArguments& a, const Head& head, float* scores) {
  const __m256 largest = _mm256_set1_ps(largest_of(a, head, scores));
  __m256 sum = _mm256_setzero_ps();
  for_lanes(a.tokens, head.columns, [&](int64_t i, const auto& keep) {
    const __m256 below = _mm256_sub_ps(_mm256_load_ps(scores + i), largest);
    const __m256 power = keep(exp2(below), _mm256_setzero_ps());
    sum = _mm256_add_ps(sum, power);
    _mm256_store_ps(scores + i, power);
  });
  return sum_of_lanes(sum);
}

// Multiplies `rows` rows of weights by all values. Row r is multiplied by factors[r].
void mix(const AttentionArguments& a, const Head& head, const float* factors, int64_t rows,
         float* out) {
  const int64_t stride = a.heads * a.dim;
  alignas(32) float products[kTileRows * kStripColumns];
  StripTile<Fp32Product> tile{};
  tile.groups = a.tokens;
  tile.a_stride = head.columns;
  tile.c = products;
  tile.c_stride = kStripColumns;
  for (int64_t column = 0; column < a.dim; column += kStripColumns) {
    const int64_t end = std::min(kStripColumns, a.dim - column);
    tile.b = head.values + column * head.columns;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      tile.rows = std::min(kTileRows, rows - row);
      tile.a = head.scores + row * head.columns;
      multiply_strip_of_any_size(tile);
      for (int64_t r = 0; r < tile.rows; ++r) {
        float* to = out + (row + r) * stride + column;
        const float* product = products + r * kStripColumns;
        for (int64_t i = 0; i < end; ++i) to[i] = product[i] * factors[row + r];
      }
    }
  }
}

// The queries include the scale 1 / (√dim · ln 2), so that scores are exponents of two.
void attend(const float* q, const AttentionArguments& a, const Head& head, float* out) {
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  for (int64_t row = 0; row < a.tokens; row += kStripRows) {
    const int64_t rows = std::min(kStripRows, a.tokens - row);
    for (int64_t r = 0; r < rows; ++r) {
      turn(q + (row + r) * a.row(), row + r, a, scale, head.width, head.queries + r * head.width);
    }
    score(a, head, rows);
    float factors[kStripRows];
    for (int64_t r = 0; r < rows; ++r) {
      factors[r] = 1.0F / weigh(a, head, head.scores + r * head.columns);
    }
    mix(a, head, factors, rows, out + row * a.heads * a.dim);
  }
}

}  // namespace

int64_t attention_scratch_avx2(const AttentionArguments& a) { return Head::size(a); }

void attention_avx2(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                    int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    const float* q = qkv + batch * a.row() + offset;
    const float* k = q + a.to_key(i % a.heads);
    pack_keys(k, a, head);
    pack_values(k + a.kv_heads * a.dim, a, head);
    attend(q, a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
