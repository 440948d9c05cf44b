#include <algorithm>
#include <cmath>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/softmax_row.h"
#include "kernels/cpu/tile_neon_f32.h"

namespace llm2clip {
namespace {

constexpr int64_t whole_strips(int64_t n) {
  return (n + kStripColumns - 1) / kStripColumns * kStripColumns;
}

// One head, packed so that both products read strips of their right operand. Each strip is
// multiplied by kStripRows rows before the next strip. The columns that pad the last strip have any
// content, and nothing reads their products.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : columns(whole_strips(a.tokens)),
        width(whole_strips(a.dim)),
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

// Rotates one token of q or k, and scales it.
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

void pack(const float* k, const float* v, const AttentionArguments& a, const Head& head) {
  for (int64_t token = 0; token < a.tokens; ++token) {
    // The key is kept temporarily in the queries' memory while it is copied to its column.
    turn(k + token * a.row(), token, a, 1.0F, head.queries);
    const int64_t column = token % kStripColumns;
    float* key = head.keys + (token - column) * head.width + column;
    for (int64_t i = 0; i < a.dim; ++i) key[i * kStripColumns] = head.queries[i];
    const float* value = v + token * a.row();
    for (int64_t i = 0; i < a.dim; i += kStripColumns) {
      std::copy_n(value + i, std::min(kStripColumns, a.dim - i),
                  head.values + i * head.columns + token * kStripColumns);
    }
  }
}

// Multiplies `rows` rows of queries by all keys.
void score(const AttentionArguments& a, const Head& head, int64_t rows) {
  StripTile<F32Product> tile{};
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

// Multiplies `rows` rows of weights by all values. Row r is multiplied by factors[r].
void mix(const AttentionArguments& a, const Head& head, const float* factors, int64_t rows,
         float* out) {
  const int64_t stride = a.heads * a.dim;
  float products[kTileRows * kStripColumns];
  StripTile<F32Product> tile{};
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

void attend_to_all(const float* q, const AttentionArguments& a, const Head& head, float* out) {
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(a.dim)));
  for (int64_t row = 0; row < a.tokens; row += kStripRows) {
    const int64_t rows = std::min(kStripRows, a.tokens - row);
    for (int64_t r = 0; r < rows; ++r) {
      turn(q + (row + r) * a.row(), row + r, a, scale, head.queries + r * head.width);
    }
    score(a, head, rows);
    float factors[kStripRows];
    for (int64_t r = 0; r < rows; ++r) {
      factors[r] = 1.0F / raise_row(head.scores + r * head.columns, a.tokens);
    }
    mix(a, head, factors, rows, out + row * a.heads * a.dim);
  }
}

}  // namespace

int64_t attention_scratch_neon(const AttentionArguments& a) { return Head::size(a); }

void attention_neon(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                    int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    const float* q = qkv + batch * a.row() + offset;
    const float* k = q + a.to_key(i % a.heads);
    pack(k, k + a.kv_heads * a.dim, a, head);
    attend_to_all(q, a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
