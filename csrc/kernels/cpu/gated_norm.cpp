#include "kernels/cpu/gated_norm.h"

#include <cmath>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/exp.h"

namespace llm2clip {
namespace {

// Independent partial sums: the compiler may not reorder float additions by itself.
constexpr int64_t kLanes = 32;

inline float lane_sum(const float* lanes) {
  float total = 0;
  for (int64_t i = 0; i < kLanes; ++i) total += lanes[i];
  return total;
}

template <typename T>
inline void silu_mul(const T* gate, const T* up, float* out, int64_t hidden) {
  for (int64_t i = 0; i < hidden; ++i) {
    const float g = load(gate, i);
    out[i] = g / (1.0F + vector_exp(-g)) * load(up, i);
  }
}

inline float mean_of(const float* x, int64_t n) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += x[i + j];
  }
  for (; i < n; ++i) lanes[0] += x[i];
  return lane_sum(lanes) / static_cast<float>(n);
}

inline float variance_of(const float* x, int64_t n, float mean) {
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] += (x[i + j] - mean) * (x[i + j] - mean);
  }
  for (; i < n; ++i) lanes[0] += (x[i] - mean) * (x[i] - mean);
  return lane_sum(lanes) / static_cast<float>(n);
}

template <typename T>
inline void all_rows(const T* gate_up, const T* weight, const T* bias, T* out,
                     const GatedNormArguments& a, int64_t first, int64_t last) {
  std::vector<float> product(static_cast<size_t>(a.hidden));
  float* x = product.data();
  for (int64_t row = first; row < last; ++row) {
    const T* gate = gate_up + row * 2 * a.hidden;
    silu_mul(gate, gate + a.hidden, x, a.hidden);
    const float mean = mean_of(x, a.hidden);
    const float variance = variance_of(x, a.hidden, mean);
    const float scale = 1.0F / std::sqrt(variance + static_cast<float>(a.eps));
    T* to = out + row * a.hidden;
    for (int64_t i = 0; i < a.hidden; ++i) {
      store(to, i, (x[i] - mean) * scale * load(weight, i) + load(bias, i));
    }
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void gated_norm_rows(const float* gate_up, const float* weight, const float* bias,
                                     float* out, const GatedNormArguments& a, int64_t first,
                                     int64_t last) {
  all_rows(gate_up, weight, bias, out, a, first, last);
}

template <>
LLM2CLIP_CLONES void gated_norm_rows(const uint16_t* gate_up, const uint16_t* weight,
                                     const uint16_t* bias, uint16_t* out,
                                     const GatedNormArguments& a, int64_t first, int64_t last) {
  all_rows(gate_up, weight, bias, out, a, first, last);
}

}  // namespace llm2clip
