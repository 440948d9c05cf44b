#include "kernels/cpu/quantise_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"

namespace llm2clip {
namespace {

// Independent maxima: the compiler keeps them in vectors.
inline float max_magnitude(const float* x, int64_t n) {
  constexpr int64_t kLanes = 32;
  float lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = std::max(lanes[j], std::abs(x[i + j]));
  }
  for (; i < n; ++i) lanes[0] = std::max(lanes[0], std::abs(x[i]));
  return *std::max_element(lanes, lanes + kLanes);
}

template <typename T>
inline void all_rows(const T* x, uint8_t* q, float* scales, const QuantiseArguments& a,
                     int64_t first, int64_t last) {
  std::vector<float> row(static_cast<size_t>(a.in));
  float* smooth = row.data();
  for (int64_t r = first; r < last; ++r) {
    const T* from = x + r * a.in;
    if (a.inverse_smoothing == nullptr) {
      for (int64_t i = 0; i < a.in; ++i) smooth[i] = load(from, i);
    } else {
      for (int64_t i = 0; i < a.in; ++i) smooth[i] = load(from, i) * a.inverse_smoothing[i];
    }
    const float most = max_magnitude(smooth, a.in);
    scales[r] = most / 127.0F;
    const float factor = most > 0 ? 127.0F / most : 0.0F;
    uint8_t* to = q + r * a.stride;
    for (int64_t i = 0; i < a.in; ++i) {
      // 1.5 · 2^23 rounds to nearest; the low byte of its bits is the integer, as two's complement.
      const float shifted = smooth[i] * factor + (12582912.0F + 128.0F);
      to[i] = static_cast<uint8_t>(std::bit_cast<uint32_t>(shifted));
    }
    std::fill(to + a.in, to + a.stride, uint8_t{128});
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void quantise_rows(const float* x, uint8_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

template <>
LLM2CLIP_CLONES void quantise_rows(const uint16_t* x, uint8_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

}  // namespace llm2clip
