#include "kernels/cpu/quantise_rows.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"

namespace llm2clip {
namespace {

// As bits, which are ordered as magnitudes are, NaN above all: a row that holds one gets it as its
// scale. Independent maxima: the compiler keeps them in vectors.
inline float max_magnitude(const float* x, int64_t n) {
  constexpr int64_t kLanes = 32;
  const auto magnitude = [x](int64_t i) { return std::bit_cast<uint32_t>(x[i]) & 0x7fffffffU; };
  uint32_t lanes[kLanes] = {};
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (int64_t j = 0; j < kLanes; ++j) lanes[j] = std::max(lanes[j], magnitude(i + j));
  }
  for (; i < n; ++i) lanes[0] = std::max(lanes[0], magnitude(i));
  return std::bit_cast<float>(*std::max_element(lanes, lanes + kLanes));
}

inline void round_row(const float* x, float factor, uint8_t* q, int64_t n) {
  // Positive: cutting off rounds to nearest.
  for (int64_t i = 0; i < n; ++i) {
    q[i] = static_cast<uint8_t>(static_cast<int32_t>(x[i] * factor + 128.5F));
  }
}

template <typename T>
inline void all_rows(const T* x, uint8_t* q, float* scales, const QuantiseArguments& a,
                     int64_t first, int64_t last) {
  const int64_t in = a.in;  // a copy: bytes that are written might alias the one in `a`
  std::vector<float> row(static_cast<size_t>(in));
  float* smooth = row.data();
  for (int64_t r = first; r < last; ++r) {
    const T* from = x + r * in;
    if (a.inverse_smoothing == nullptr) {
      for (int64_t i = 0; i < in; ++i) smooth[i] = load(from, i);
    } else {
      for (int64_t i = 0; i < in; ++i) smooth[i] = load(from, i) * a.inverse_smoothing[i];
    }
    const float most = max_magnitude(smooth, in);
    scales[r] = most / 127.0F;
    round_row(smooth, most > 0 ? 127.0F / most : 0.0F, q + r * a.stride, in);
    std::fill(q + r * a.stride + in, q + (r + 1) * a.stride, uint8_t{128});
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
