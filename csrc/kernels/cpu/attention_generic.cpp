#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "kernels/cpu/attention.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/softmax_row.h"

namespace llm2clip {
namespace {

// The sums of 4 × 8 products stay in the registers of any processor.
constexpr int64_t kRows = 4, kColumns = 8;

// Half a row of eight, as large as any processor's registers.
typedef float Floats __attribute__((vector_size(kColumns / 2 * sizeof(float))));

inline int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// One head, packed so that both products read strips of eight columns of their right operand.
// Padding is zero.
struct Head {
  Head(const AttentionArguments& a, float* scratch)
      : columns(round_up(a.tokens, kColumns)),
        width(round_up(a.dim, kColumns)),
        keys(scratch),
        values(keys + columns * width),
        scores(values + columns * width),
        queries(scores + kRows * columns) {}

  // The number of floats of scratch memory, a multiple of 16.
  static int64_t size(const AttentionArguments& a) {
    const Head head(a, nullptr);
    return round_up(2 * head.columns * head.width + kRows * (head.columns + head.width), 16);
  }

  int64_t columns, width;  // tokens and dim, rounded up to whole strips
  float* keys;             // [columns / 8, width, 8]
  float* values;           // [width / 8, columns, 8]
  float* scores;           // [kRows, columns]
  float* queries;          // [kRows, width]
};

// Rotates one token of q or k, and scales it.
inline void turn(const float* x, int64_t token, const AttentionArguments& a, float scale,
                 float* out) {
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

inline void pack(const float* k, const float* v, const AttentionArguments& a, const Head& head) {
  std::fill_n(head.keys, 2 * head.columns * head.width, 0.0F);
  for (int64_t token = 0; token < a.tokens; ++token) {
    // The key is kept temporarily in the queries' memory while it is copied to its column.
    turn(k + token * a.row(), token, a, 1.0F, head.queries);
    const int64_t column = token % kColumns;
    float* key = head.keys + (token - column) * head.width + column;
    for (int64_t i = 0; i < a.dim; ++i) key[i * kColumns] = head.queries[i];
    const float* value = v + token * a.row();
    for (int64_t i = 0; i < a.dim; i += kColumns) {
      std::copy_n(value + i, std::min(kColumns, a.dim - i),
                  head.values + i * head.columns + token * kColumns);
    }
  }
}

// c [4, 8] = a [4, depth] · b [depth, 8]. Rows of a are `a_stride` apart, rows of c `c_stride`.
inline void multiply(const float* a, int64_t a_stride, const float* b, int64_t depth, float* c,
                     int64_t c_stride) {
  Floats low[kRows] = {}, high[kRows] = {};
  // Constant indices keep the sums in registers.
  const auto for_rows = [](const auto& body) {
    [&]<int... Row>(std::integer_sequence<int, Row...>) {
      (body(std::integral_constant<int, Row>()), ...);
    }(std::make_integer_sequence<int, kRows>());
  };
  for (int64_t i = 0; i < depth; ++i, b += kColumns) {
    Floats left, right;
    std::memcpy(&left, b, sizeof(left));
    std::memcpy(&right, b + kColumns / 2, sizeof(right));
    for_rows([&](auto row) {
      const float x = a[row * a_stride + i];
      low[row] += x * left;
      high[row] += x * right;
    });
  }
  for_rows([&](auto row) {
    std::memcpy(c + row * c_stride, &low[row], sizeof(Floats));
    std::memcpy(c + row * c_stride + kColumns / 2, &high[row], sizeof(Floats));
  });
}

// Attends with up to four queries, which are packed.
inline void attend(const AttentionArguments& a, const Head& head, int64_t rows, float* out) {
  for (int64_t column = 0; column < a.tokens; column += kColumns) {
    multiply(head.queries, head.width, head.keys + column * head.width, a.dim, head.scores + column,
             head.columns);
  }
  float factors[kRows];
  for (int64_t r = 0; r < rows; ++r) {
    factors[r] = 1.0F / raise_row(head.scores + r * head.columns, a.tokens);
  }
  float products[kRows * kColumns];
  for (int64_t column = 0; column < a.dim; column += kColumns) {
    multiply(head.scores, head.columns, head.values + column * head.columns, a.tokens, products,
             kColumns);
    const int64_t end = std::min(kColumns, a.dim - column);
    for (int64_t r = 0; r < rows; ++r) {
      float* to = out + r * a.heads * a.dim + column;
      for (int64_t j = 0; j < end; ++j) to[j] = products[r * kColumns + j] * factors[r];
    }
  }
}

inline void attend_to_all(const float* q, const AttentionArguments& a, const Head& head,
                          float* out) {
  const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(a.dim)));
  std::fill_n(head.queries, kRows * head.width, 0.0F);
  for (int64_t row = 0; row < a.tokens; row += kRows) {
    const int64_t rows = std::min(kRows, a.tokens - row);
    for (int64_t r = 0; r < rows; ++r) {
      turn(q + (row + r) * a.row(), row + r, a, scale, head.queries + r * head.width);
    }
    attend(a, head, rows, out + row * a.heads * a.dim);
  }
}

}  // namespace

int64_t attention_scratch_generic(const AttentionArguments& a) { return Head::size(a); }

LLM2CLIP_CLONES void attention_generic(const float* qkv, float* out, const AttentionArguments& a,
                                       float* scratch, int64_t first, int64_t last) {
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
