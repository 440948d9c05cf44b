#include "kernels/cpu/quantise_rows.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"

namespace llm2clip {
namespace {

// Compares floats by their bits, which order like magnitudes. NaN is the largest, so a row with NaN
// returns NaN. The maxima are independent, so that the compiler keeps them in vector registers.
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

// The value that represents zero.
template <typename Q>
constexpr int32_t kZero = 0;
template <>
constexpr int32_t kZero<uint8_t> = kMostInt8 + 1;

template <typename Q>
inline void round_row(const float* x, float factor, int32_t most, Q* q, int64_t n) {
  // The sum is positive, so truncation rounds to nearest.
  const int32_t shift = most + 1;
  const float and_half = static_cast<float>(shift) + 0.5F;
  for (int64_t i = 0; i < n; ++i) {
    const auto shifted = static_cast<int32_t>(x[i] * factor + and_half);
    q[i] = static_cast<Q>(shifted - shift + kZero<Q>);
  }
}

template <typename T, typename Q>
inline void all_rows(const T* x, Q* q, float* scales, const QuantiseArguments& a, int64_t first,
                     int64_t last) {
  const int64_t in = a.in;  // a local copy, because the bytes written to q might alias a.in
  const int32_t range = sizeof(Q) == 1 ? kMostInt8 : a.most;
  const auto float_range = static_cast<float>(range);
  std::vector<float> row(static_cast<size_t>(in));
  float* smooth = row.data();
  for (int64_t r = first; r < last; ++r) {
    const T* from = x + r * in;
    if (a.inverse_smoothing == nullptr) {
      for (int64_t i = 0; i < in; ++i) smooth[i] = load(from, i);
    } else {
      for (int64_t i = 0; i < in; ++i) smooth[i] = load(from, i) * a.inverse_smoothing[i];
    }
    constexpr float kLargest = std::numeric_limits<float>::max();
    const float most = max_magnitude(smooth, in);
    const bool finite = most <= kLargest;
    scales[r] = finite ? most / float_range : std::numeric_limits<float>::quiet_NaN();
    const float factor = float_range / most;  // infinite if all numbers are zero or almost zero
    Q* const to = q + r * a.stride;
    if (finite && factor <= kLargest) {
      round_row(smooth, factor, range, to, in);
    } else {
      std::fill(to, to + in, Q{kZero<Q>});
    }
    std::fill(to + in, to + a.stride, Q{kZero<Q>});
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

template <>
LLM2CLIP_CLONES void quantise_rows(const float* x, int8_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

template <>
LLM2CLIP_CLONES void quantise_rows(const uint16_t* x, int8_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

template <>
LLM2CLIP_CLONES void quantise_rows(const float* x, int16_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

template <>
LLM2CLIP_CLONES void quantise_rows(const uint16_t* x, int16_t* q, float* scales,
                                   const QuantiseArguments& a, int64_t first, int64_t last) {
  all_rows(x, q, scales, a, first, last);
}

}  // namespace llm2clip
