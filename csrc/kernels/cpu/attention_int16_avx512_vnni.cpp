#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/attention_pairs_avx512.h"

namespace llm2clip {
namespace {

struct Int16Product {
  using Tile = Int16Tile;
  using Sum = int32_t;
  static void multiply(const Tile& tile) { multiply_tile_avx512_vnni(tile); }
};

constexpr double kMostSum = std::numeric_limits<int32_t>::max();
constexpr double kMostNumber = std::numeric_limits<int16_t>::max();
// The sum of a row's weights, apart from rounding.
constexpr float kWeightSum = std::numeric_limits<int16_t>::max();

// The elements of a head as int16, as large as 32-bit sums allow, with their scales.
struct Head : PairedHead<Int16Product> {
  Head(const AttentionArguments& a, float* scratch)
      : PairedHead(a, scratch),
        most_score(std::min(kMostNumber, std::floor(std::sqrt(kMostSum / round_up(a.dim, kPair))))),
        most_value(std::min(kMostNumber, std::floor(kMostSum / (kWeightSum + a.tokens)))),
        query_scales(scratch + PairedHead::size(a)),
        key_scales(query_scales + key_columns),
        value_scales(key_scales + key_columns),
        row(value_scales + value_columns) {}

  static int64_t size(const AttentionArguments& a) {
    return PairedHead::size(a) + 2 * round_up(a.tokens, kTileColumns) + 2 * round_up(a.dim, kLanes);
  }

  double most_score, most_value;
  float* query_scales;  // [key_columns]
  float* key_scales;    // [key_columns]
  float* value_scales;  // [value_columns]
  float* row;           // [value_columns]
};

// Compares floats by their bits, which order like magnitudes. NaN is the largest, and so becomes
// the scale.
__m512i magnitude(__m512 x) {
  return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
}

__m256i to_int16(__m512 x, __m512 factor) {
  return _mm512_cvtepi32_epi16(_mm512_cvtps_epi32(_mm512_mul_ps(x, factor)));
}

// Applies RoPE to one token of q or k → out [dim] and returns its scale.
float turn(const float* x, int64_t token, const AttentionArguments& a, const Head& head,
           int16_t* out) {
  __m512i magnitudes = _mm512_setzero_si512();
  for (int64_t i = 0; i < a.dim; i += kLanes) {
    const __m512 straight = _mm512_maskz_loadu_ps(lanes_before(a.dim, i), x + i);
    const __m512 y = turned(straight, token, i, a);
    magnitudes = _mm512_max_epu32(magnitudes, magnitude(y));
    _mm512_store_ps(head.row + i, y);
  }
  const float most = std::bit_cast<float>(_mm512_reduce_max_epu32(magnitudes));
  const auto range = static_cast<float>(head.most_score);
  const __m512 factor = _mm512_set1_ps(most > 0 ? range / most : 0);
  for (int64_t i = 0; i < a.dim; i += kLanes) {
    _mm256_mask_storeu_epi16(out + i, lanes_before(a.dim, i),
                             to_int16(_mm512_load_ps(head.row + i), factor));
  }
  return most / range;
}

// The queries' scales include 1 / ln 2 and 1 / √dim, so that scores are exponents of two.
void pack_queries_and_keys(const float* first_query, int64_t to_key, const AttentionArguments& a,
                           const Head& head) {
  const int64_t stride = a.row();
  const auto scale = static_cast<float>(1.0 / (std::sqrt(static_cast<double>(a.dim)) * M_LN2));
  for (int64_t first = 0; first < a.tokens; first += kLanes) {
    const int64_t last = std::min(first + kLanes, a.tokens);
    int16_t* rows = head.queries + first * a.dim;
    // The keys are kept temporarily in the queries' rows while they are copied to their columns.
    for (int64_t t = first; t < last; ++t) {
      const float* key = first_query + t * stride + to_key;
      head.key_scales[t] = turn(key, t, a, head, head.queries + t * a.dim);
    }
    spread_keys<Int16Product>(rows, first, a, head);
    for (int64_t t = first; t < last; ++t) {
      const float* query = first_query + t * stride;
      head.query_scales[t] = scale * turn(query, t, a, head, head.queries + t * a.dim);
    }
  }
}

// Packs 16 columns of the values, from column i on, two tokens at a time. If there is no second
// token, its values are zeros.
void pack_values(const float* v, int64_t i, const AttentionArguments& a, const Head& head) {
  const int64_t stride = a.row();
  const __mmask16 mask = lanes_before(a.dim, i);
  __m512i magnitudes = _mm512_setzero_si512();
  for (int64_t token = 0; token < a.tokens; ++token) {
    const __m512 x = _mm512_maskz_loadu_ps(mask, v + token * stride + i);
    magnitudes = _mm512_max_epu32(magnitudes, magnitude(x));
  }
  const __m512 most = _mm512_castsi512_ps(magnitudes);
  const __m512 range = _mm512_set1_ps(static_cast<float>(head.most_value));
  const __mmask16 some = _mm512_cmp_ps_mask(most, _mm512_setzero_ps(), _CMP_GT_OQ);
  const __m512 factor = _mm512_maskz_div_ps(some, range, most);
  _mm512_store_ps(head.value_scales + i, _mm512_div_ps(most, range));
  for (int64_t token = 0; token < a.tokens; token += Head::kPair) {
    const float* from = v + token * stride + i;
    const __mmask16 second_mask = token + 1 < a.tokens ? mask : __mmask16{0};
    const __m256i first = to_int16(_mm512_maskz_loadu_ps(mask, from), factor);
    const __m256i second = to_int16(_mm512_maskz_loadu_ps(second_mask, from + stride), factor);
    _mm512_store_si512(head.values + token * head.value_columns + i * Head::kPair,
                       _mm512_or_si512(_mm512_cvtepu16_epi32(first),
                                       _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16)));
  }
}

// Scales a row of scores to units of its query's scale, in place. Returns the largest score in all
// lanes.
__m512 scale_scores(const AttentionArguments& a, const Head& head, int32_t* scores) {
  __m512 most = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < a.tokens; i += kLanes) {
    const __m512 score = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_load_si512(scores + i)),
                                       _mm512_load_ps(head.key_scales + i));
    most = _mm512_mask_max_ps(most, lanes_before(a.tokens, i), most, score);
    _mm512_store_ps(scores + i, score);
  }
  return _mm512_set1_ps(_mm512_reduce_max_ps(most));
}

// Turns a row of scores into powers of two, in place, and returns their sum.
float raise(const AttentionArguments& a, float query_scale, __m512 largest, int32_t* scores) {
  const __m512 scale = _mm512_set1_ps(query_scale);
  __m512 sum = _mm512_setzero_ps();
  for (int64_t i = 0; i < a.tokens; i += kLanes) {
    const __m512 below = _mm512_sub_ps(_mm512_load_ps(scores + i), largest);
    const __m512 power =
        _mm512_maskz_mov_ps(lanes_before(a.tokens, i), exp2(_mm512_mul_ps(below, scale)));
    sum = _mm512_add_ps(sum, power);
    _mm512_store_ps(scores + i, power);
  }
  return _mm512_reduce_add_ps(sum);
}

// Turns a row of scores into weights rounded to int16. Returns the factor that normalises them, or
// NaN if the row contains NaN.
float weigh(const AttentionArguments& a, const Head& head, float query_scale, int32_t* scores,
            int16_t* weights) {
  const float sum = raise(a, query_scale, scale_scores(a, head, scores), scores);
  const __m512 factor = _mm512_set1_ps(kWeightSum / sum);
  __m512i rounded_sum = _mm512_setzero_si512();
  for (int64_t i = 0; i < a.tokens; i += kLanes) {
    const __m512i rounded = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_load_ps(scores + i), factor));
    rounded_sum = _mm512_add_epi32(rounded_sum, rounded);
    _mm256_store_si256(reinterpret_cast<__m256i*>(weights + i), _mm512_cvtepi32_epi16(rounded));
  }
  if (std::isnan(sum)) return sum;
  return 1.0F / static_cast<float>(_mm512_reduce_add_epi32(rounded_sum));
}

void store_scaled(const AttentionArguments& a, const Head& head, const int32_t* products,
                  float factor, float* out) {
  for (int64_t i = 0; i < a.dim; i += kLanes) {
    const __m512 scale =
        _mm512_mul_ps(_mm512_load_ps(head.value_scales + i), _mm512_set1_ps(factor));
    const __m512 product = _mm512_cvtepi32_ps(_mm512_load_si512(products + i));
    _mm512_mask_storeu_ps(out + i, lanes_before(a.dim, i), _mm512_mul_ps(product, scale));
  }
}

void attend(const AttentionArguments& a, const Head& head, float* out) {
  for (int64_t row = 0; row < a.tokens; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, a.tokens - row);
    score<Int16Product>(a, head, row, rows);
    float factors[kTileRows];
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = r * head.key_columns;
      factors[r] = weigh(a, head, head.query_scales[row + r], head.scores + at, head.weights + at);
    }
    mix<Int16Product>(a, head, rows);
    for (int64_t r = 0; r < rows; ++r) {
      store_scaled(a, head, head.products + r * head.value_columns, factors[r],
                   out + (row + r) * a.heads * a.dim);
    }
  }
}

}  // namespace

int64_t attention_scratch_int16(const AttentionArguments& a) { return Head::size(a); }

void attention_avx512_vnni(const float* qkv, float* out, const AttentionArguments& a,
                           float* scratch, int64_t first, int64_t last) {
  const int64_t width = a.heads * a.dim;
  const Head head(a, scratch);
  for (int64_t i = first; i < last; ++i) {
    const int64_t batch = i / a.heads * a.tokens, offset = i % a.heads * a.dim;
    const int64_t to_key = a.to_key(i % a.heads);
    const float* q = qkv + batch * a.row() + offset;
    pack_queries_and_keys(q, to_key, a, head);
    for (int64_t column = 0; column < a.dim; column += kLanes) {
      pack_values(q + to_key + a.kv_heads * a.dim, column, a, head);
    }
    attend(a, head, out + batch * width + offset);
  }
}

}  // namespace llm2clip
