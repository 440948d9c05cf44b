#include <cstring>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_f32_strips.h"

namespace llm2clip {
namespace {

// The compiler divides these into registers of the processor that it compiles for.
typedef float Floats __attribute__((vector_size(32)));
constexpr int64_t kLanes = sizeof(Floats) / sizeof(float);
constexpr int64_t kVectors = kStripColumns / kLanes;

struct F32Product {
  using Number = float;
  using Stored = float;
  using Sum = float;
  static constexpr int64_t kGroup = 1;
};
using F32Strip = StripTile<F32Product>;

template <int Rows>
inline void multiply_strip(const F32Strip& t) {
  Floats sum[Rows][kVectors] = {};
  const float *a = t.a, *b = t.b;
  const int64_t stride = t.a_stride;
  for (int64_t i = 0; i < t.groups; ++i, b += kStripColumns) {
    const auto* weights = reinterpret_cast<const Floats*>(b);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      const float x = a[r * stride + i];
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x * weights[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) {
    std::memcpy(t.c + r * t.c_stride, sum[r], sizeof(sum[r]));
  }
}

template <int Rows = kTileRows>
inline void multiply_strip_of_any_size(const F32Strip& tile) {
  if constexpr (Rows > 1) {
    if (tile.rows < Rows) return multiply_strip_of_any_size<Rows - 1>(tile);
  }
  multiply_strip<Rows>(tile);
}

}  // namespace

LLM2CLIP_CLONES void linear_generic(const float* x, const float* strips, const float* bias,
                                    float* out, const LinearArguments& a,
                                    const LinearBlock& block) {
  multiply_share<F32Strip, multiply_strip_of_any_size<kTileRows>>(x, strips, bias, out, a, block);
}

}  // namespace llm2clip
