#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cstdint>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_softmax_avx512.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {

// Shared by the attention kernels for 16-bit numbers. `Product` provides a Tile type and the
// function that multiplies it. Like attention_softmax_avx512.h, this is local to the file that
// includes it.

// One head, repacked so that both matrix products read the columns of their right operand
// contiguously, with two steps of the depth side by side.
template <typename Product>
struct PairedHead {
  using Number = typename Product::Tile::Number;
  using Sum = typename Product::Sum;
  static constexpr int64_t kPair = Product::Tile::kGroup;

  PairedHead(const AttentionArguments& a, float* scratch)
      : key_columns(round_up(a.tokens, kTileColumns)),
        value_columns(round_up(a.dim, kLanes)),
        scores(reinterpret_cast<Sum*>(scratch)),
        products(scores + kTileRows * key_columns),
        keys(reinterpret_cast<Number*>(products + kTileRows * value_columns)),
        values(keys + key_columns * a.dim),
        weights(values + round_up(a.tokens, kPair) * value_columns),
        queries(weights + kTileRows * key_columns) {}

  // The size of the scratch area in floats, a multiple of 16.
  static int64_t size(const AttentionArguments& a) {
    const PairedHead head(a, nullptr);
    const int64_t halves = head.key_columns * (a.dim + kTileRows) +
                           round_up(a.tokens, kPair) * head.value_columns + a.tokens * a.dim;
    return kTileRows * (head.key_columns + head.value_columns) + round_up(halves / 2, kLanes);
  }

  int64_t key_columns, value_columns;
  Sum* scores;      // [6, key_columns]
  Sum* products;    // [6, value_columns]
  Number* keys;     // [panels, dim / 2, 64, 2]
  Number* values;   // [tokens / 2, value_columns, 2]
  Number* weights;  // [6, key_columns]
  Number* queries;  // [tokens, dim]
};

// Copies up to 16 keys [tokens, dim] to the columns [dim / 2, 64, 2] of their panel, from token
// `first` on. Columns without a token are zeros.
template <typename Product>
static void spread_keys(const typename PairedHead<Product>::Number* rows, int64_t first,
                        const AttentionArguments& a, const PairedHead<Product>& head) {
  constexpr int64_t kPair = PairedHead<Product>::kPair;
  const int64_t column = first % kTileColumns;
  auto* panel = head.keys + (first - column) * a.dim + column * kPair;
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i offsets = _mm512_mullo_epi32(lanes, _mm512_set1_epi32(static_cast<int>(a.dim)));
  for (int64_t i = 0; i < a.dim; i += kPair) {
    const __m512i pairs =
        _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), lanes_before(a.tokens - first, 0),
                                    offsets, rows + i, sizeof(*rows));
    _mm512_store_si512(panel + i * kTileColumns, pairs);
  }
}

// Multiplies rows of queries by all keys → scores.
template <typename Product>
static void score(const AttentionArguments& a, const PairedHead<Product>& head, int64_t row,
                  int64_t rows) {
  typename Product::Tile tile{};
  tile.rows = rows;
  tile.a = head.queries + row * a.dim;
  tile.depth = tile.a_stride = a.dim;
  tile.b_stride = kTileColumns * head.kPair;
  tile.c_stride = head.key_columns;
  for (int64_t column = 0; column < a.tokens; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, a.tokens - column);
    tile.b = head.keys + column * a.dim;
    tile.c = head.scores + column;
    Product::multiply(tile);
  }
}

// Multiplies rows of weights by all values → products.
template <typename Product>
static void mix(const AttentionArguments& a, const PairedHead<Product>& head, int64_t rows) {
  typename Product::Tile tile{};
  tile.rows = rows;
  tile.a = head.weights;
  tile.depth = round_up(a.tokens, head.kPair);
  tile.a_stride = head.key_columns;
  tile.b_stride = head.value_columns * head.kPair;
  tile.c_stride = head.value_columns;
  for (int64_t column = 0; column < a.dim; column += kTileColumns) {
    tile.columns = std::min(kTileColumns, head.value_columns - column);
    tile.b = head.values + column * head.kPair;
    tile.c = head.products + column;
    Product::multiply(tile);
  }
}

// Applies RoPE to 16 elements of one token, from element i on.
static inline __m512 turned(__m512 x, int64_t token, int64_t i, const AttentionArguments& a) {
  if (a.cos == nullptr) return x;
  const __mmask16 mask = lanes_before(a.dim, i);
  const __m512 cos = _mm512_maskz_loadu_ps(mask, a.cos + token * a.dim + i);
  const __m512 sin = _mm512_maskz_loadu_ps(mask, a.sin + token * a.dim + i);
  const __m512 swapped = _mm512_permute_ps(x, 0b10'11'00'01);
  // fmaddsub subtracts in even lanes and adds in odd lanes.
  return _mm512_fmaddsub_ps(x, cos, _mm512_mul_ps(swapped, sin));
}

}  // namespace llm2clip
