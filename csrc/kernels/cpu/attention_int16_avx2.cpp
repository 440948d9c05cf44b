#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_softmax_avx2.h"
#include "kernels/cpu/tile_avx2.h"

namespace llm2clip {
namespace {

constexpr int64_t kPair = Int16Product::kGroup;

constexpr double kMostSum = std::numeric_limits<int32_t>::max();
constexpr double kMostNumber = std::numeric_limits<int16_t>::max();
// The sum of a row's weights, apart from rounding.
constexpr float kWeightSum = std::numeric_limits<int16_t>::max();

// The numbers of a head in int16, as large as 32-bit sums allow, and their scales. They are packed
// so that both products read strips of their right operand.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : columns(round_up(a.tokens, kStripColumns)),
        width(round_up(a.dim, kStripColumns)),
        most_score(std::min(kMostNumber, std::floor(std::sqrt(kMostSum / round_up(a.dim, kPair))))),
        most_value(std::min(kMostNumber, std::floor(kMostSum / (kWeightSum + a.tokens)))),
        scores(scratch),
        query_scales(scores + kTileRows * columns),
        key_scales(query_scales + columns),
        value_scales(key_scales + columns),
        row(value_scales + width),
        keys(reinterpret_cast<int16_t*>(row + width)),
        values(keys + columns * width),
        weights(values + columns * width),
        key_row(weights + kTileRows * columns),
        queries(key_row + width) {}

  // The number of floats of scratch memory, a multiple of 16.
  static int64_t size(const AttentionArguments& a) {
    const Head head(a, nullptr);
    const int64_t halves =
        head.columns * (2 * head.width + kTileRows) + head.width * (a.tokens + 1);
    return (kTileRows + 2) * head.columns + 2 * head.width + round_up(halves / 2, 16);
  }

  int64_t columns, width;  // tokens and dim, rounded up to whole strips
  double most_score, most_value;
  float* scores;        // [kTileRows, columns]; int32 until they are scaled
  float* query_scales;  // [columns]
  float* key_scales;    // [columns]
  float* value_scales;  // [width]
  float* row;           // [width]
  int16_t* keys;        // [columns / 16, width / 2, 16, 2]
  int16_t* values;      // [width / 16, columns / 2, 16, 2]
  int16_t* weights;     // [kTileRows, columns]
  int16_t* key_row;     // [width]
  int16_t* queries;     // [tokens, width]
};

// Magnitudes as bits, which have the same order as the magnitudes. NaN is the largest and so
// becomes the scale.
__m256i magnitude(__m256 x) {
  return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7fffffff));
}

float largest_magnitude(__m256i x) {
  __m128i half = _mm_max_epu32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0b01'00'11'10));
  half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0b10'11'00'01));
  return std::bit_cast<float>(_mm_cvtsi128_si32(half));
}

// Multiplies 16 numbers by `factor` and rounds them.
__m256i to_int16(const float* x, __m256 factor, __m256i& sum) {
  const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_load_ps(x), factor));
  const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_load_ps(x + kLanes), factor));
  sum = _mm256_add_epi32(sum, _mm256_add_epi32(low, high));
  return _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0b11'01'10'00);
}

// Rotates one token of q or k and rounds it to `out` [width], with zeros from dim on. Returns its
// scale.
float turn(const float* x, int64_t token, const AttentionArguments& a, const Head& head,
           int16_t* out) {
  __m256i magnitudes = _mm256_setzero_si256(), unused = magnitudes;
  for (int64_t i = 0; i < head.width; i += kLanes) {
    const __m256 y =
        i < a.dim ? turned(load_before(x, a.dim, i), token, i, a) : _mm256_setzero_ps();
    magnitudes = _mm256_max_epu32(magnitudes, magnitude(y));
    _mm256_store_ps(head.row + i, y);
  }
  const float most = largest_magnitude(magnitudes);
  const auto range = static_cast<float>(head.most_score);
  const __m256 factor = _mm256_set1_ps(most > 0 ? range / most : 0);
  for (int64_t i = 0; i < head.width; i += kStripColumns) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(out + i), to_int16(head.row + i, factor, unused));
  }
  return most / range;
}

// Copies a key [width] to its column [width / 2, 16, 2].
void spread_key(const Head& head, int64_t token) {
  const int64_t column = token % kStripColumns;
  int16_t* to = head.keys + (token - column) * head.width + column * kPair;
  for (int64_t i = 0; i < head.width; i += kPair) {
    std::memcpy(to + i * kStripColumns, head.key_row + i, kPair * sizeof(int16_t));
  }
}

// The queries' scales include log2 e, so that weights are powers of two of the scores.
void pack_queries_and_keys(const float* first_query, int64_t to_key, const AttentionArguments& a,
                           const Head& head) {
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  for (int64_t t = 0; t < a.tokens; ++t) {
    const float* query = first_query + t * a.row();
    head.key_scales[t] = turn(query + to_key, t, a, head, head.key_row);
    spread_key(head, t);
    head.query_scales[t] = scale * turn(query, t, a, head, head.queries + t * head.width);
  }
}

// Packs 8 columns of the values, from i on, two tokens at a time. A missing second token counts as
// zeros.
void pack_values(const float* v, int64_t i, const AttentionArguments& a, const Head& head) {
  const int64_t stride = a.row();
  __m256i magnitudes = _mm256_setzero_si256();
  for (int64_t token = 0; token < a.tokens; ++token) {
    magnitudes = _mm256_max_epu32(magnitudes, magnitude(load_before(v + token * stride, a.dim, i)));
  }
  const __m256 most = _mm256_castsi256_ps(magnitudes), zero = _mm256_setzero_ps();
  const __m256 range = _mm256_set1_ps(static_cast<float>(head.most_value));
  const __m256 factor =
      _mm256_and_ps(_mm256_cmp_ps(most, zero, _CMP_GT_OQ), _mm256_div_ps(range, most));
  _mm256_store_ps(head.value_scales + i, _mm256_div_ps(most, range));
  const int64_t strip = i / kStripColumns * kStripColumns;
  int16_t* to = head.values + strip * head.columns + (i - strip) * kPair;
  for (int64_t token = 0; token < a.tokens; token += kPair) {
    const float* from = v + token * stride;
    const __m256 second = token + 1 < a.tokens ? load_before(from + stride, a.dim, i) : zero;
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(load_before(from, a.dim, i), factor));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(second, factor));
    const __m256i pairs = _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0b10101010);
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + token * kStripColumns), pairs);
  }
}

// Multiplies the queries from `row` on by all keys.
void score(const AttentionArguments& a, const Head& head, int64_t row, int64_t rows) {
  StripTile<Int16Product> tile{};
  tile.rows = rows;
  tile.a = head.queries + row * head.width;
  tile.groups = round_up(a.dim, kPair) / kPair;
  tile.a_stride = head.width;
  tile.c_stride = head.columns;
  for (int64_t column = 0; column < a.tokens; column += kStripColumns) {
    tile.b = head.keys + column * head.width;
    tile.c = reinterpret_cast<int32_t*>(head.scores) + column;
    multiply_strip_of_any_size(tile);
  }
}

// Scales a row of scores in place, in units of its query's scale, with −∞ after the last key.
// Returns the largest score.
float scale_scores(const AttentionArguments& a, const Head& head, float* scores) {
  const __m256 least = _mm256_set1_ps(-INFINITY);
  __m256 most = least;
  for_lanes(a.tokens, head.columns, [&](int64_t i, const auto& keep) {
    const __m256i sums = _mm256_load_si256(reinterpret_cast<const __m256i*>(scores + i));
    const __m256 scaled =
        _mm256_mul_ps(_mm256_cvtepi32_ps(sums), _mm256_load_ps(head.key_scales + i));
    const __m256 score = keep(scaled, least);
    most = _mm256_max_ps(most, score);
    _mm256_store_ps(scores + i, score);
  });
  return largest_lane(most);
}

// Replaces a row of scores by powers of two, in place. Returns their sum.
float raise(const AttentionArguments& a, const Head& head, float query_scale, float largest,
            float* scores) {
  const __m256 scale = _mm256_set1_ps(query_scale), most = _mm256_set1_ps(largest);
  __m256 sum = _mm256_setzero_ps();
  for_lanes(a.tokens, head.columns, [&](int64_t i, const auto& keep) {
    const __m256 below = _mm256_sub_ps(_mm256_load_ps(scores + i), most);
    const __m256 power = keep(exp2(_mm256_mul_ps(below, scale)), _mm256_setzero_ps());
    sum = _mm256_add_ps(sum, power);
    _mm256_store_ps(scores + i, power);
  });
  return sum_of_lanes(sum);
}

// Converts row r of the scores to weights. Returns the factor for the results, which includes the
// division by the weights' sum.
float weigh(const AttentionArguments& a, const Head& head, float query_scale, int64_t r) {
  float* const scores = head.scores + r * head.columns;
  int16_t* const weights = head.weights + r * head.columns;
  const float sum = raise(a, head, query_scale, scale_scores(a, head, scores), scores);
  const __m256 factor = _mm256_set1_ps(kWeightSum / sum);
  __m256i rounded_sum = _mm256_setzero_si256();
  for (int64_t i = 0; i < head.columns; i += kStripColumns) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(weights + i),
                       to_int16(scores + i, factor, rounded_sum));
  }
  if (std::isnan(sum)) return sum;
  return 1.0F / sum_of_lanes(_mm256_cvtepi32_ps(rounded_sum));
}

void store_scaled(const AttentionArguments& a, const Head& head, const int32_t* products,
                  int64_t column, float factor, float* out) {
  const int64_t end = std::min(a.dim - column, kStripColumns);
  alignas(32) float scaled[kStripColumns];
  for (int64_t i = 0; i < kStripColumns; i += kLanes) {
    const __m256 scale =
        _mm256_mul_ps(_mm256_load_ps(head.value_scales + column + i), _mm256_set1_ps(factor));
    const __m256i product = _mm256_load_si256(reinterpret_cast<const __m256i*>(products + i));
    _mm256_store_ps(scaled + i, _mm256_mul_ps(_mm256_cvtepi32_ps(product), scale));
  }
  std::copy_n(scaled, end, out + column);
}

// Multiplies rows of weights by all values. The rows of `out` are `stride` apart.
void mix(const AttentionArguments& a, const Head& head, const float* factors, int64_t rows,
         float* out, int64_t stride) {
  alignas(32) int32_t products[kTileRows * kStripColumns];
  StripTile<Int16Product> tile{};
  tile.rows = rows;
  tile.a = head.weights;
  tile.groups = round_up(a.tokens, kPair) / kPair;
  tile.a_stride = head.columns;
  tile.c = products;
  tile.c_stride = kStripColumns;
  for (int64_t column = 0; column < a.dim; column += kStripColumns) {
    tile.b = head.values + column * head.columns;
    multiply_strip_of_any_size(tile);
    for (int64_t r = 0; r < rows; ++r) {
      store_scaled(a, head, products + r * kStripColumns, column, factors[r], out + r * stride);
    }
  }
}

void attend(const AttentionArguments& a, const Head& head, float* out) {
  const int64_t stride = a.heads * a.dim;
  for (int64_t row = 0; row < a.tokens; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, a.tokens - row);
    score(a, head, row, rows);
    float factors[kTileRows];
    for (int64_t r = 0; r < rows; ++r) factors[r] = weigh(a, head, head.query_scales[row + r], r);
    mix(a, head, factors, rows, out + row * stride, stride);
  }
}

}  // namespace

int64_t attention_scratch_int16_avx2(const AttentionArguments& a) { return Head::size(a); }

void attention_int16_avx2(const float* qkv, float* out, const AttentionArguments& a, float* scratch,
                          int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    const int64_t to_key = a.to_key(i % a.heads);
    const float* q = qkv + batch * a.row() + offset;
    pack_queries_and_keys(q, to_key, a, head);
    for (int64_t column = 0; column < head.width; column += kLanes) {
      pack_values(q + to_key + a.kv_heads * a.dim, column, a, head);
    }
    attend(a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
