#include "kernels/cpu/activation.h"

#include <bit>
#include <cmath>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/exp.h"

namespace llm2clip {
namespace {

struct QuickGelu {
  static float of(float x) { return x / (1.0F + vector_exp(-1.702F * x)); }
};

// (1 + tanh(u)) / 2 = 1 / (1 + e^−2u)
struct GeluTanh {
  static float of(float x) {
    constexpr float kTwice = 1.59576912F;  // 2 · √(2 / π)
    return x / (1.0F + vector_exp(-kTwice * (x + 0.044715F * x * x * x)));
  }
};

// x · Φ(x), with the normal distribution Φ. For x ≤ 0, Φ(x) = t · P(t) · e^(−x² / 2) with
// t = 1 / (1 + 0.3 |x|). P is a Chebyshev approximation whose error is below 3 · 10⁻⁷ of the result
// until e^(−x² / 2) is 0 in f32. Unlike (1 + erf) / 2, this stays precise for negative x.
struct Gelu {
  // Returns `low` if x has a sign, else `high`. Uses integer operations, because g++ compiles a
  // comparison to a branch.
  static float either(float x, float low, float high) {
    const uint32_t sign = 0U - (std::bit_cast<uint32_t>(x) >> 31);
    return std::bit_cast<float>((std::bit_cast<uint32_t>(low) & sign) |
                                (std::bit_cast<uint32_t>(high) & ~sign));
  }

  static float of(float x) {
    const float t = 1.0F / (1.0F + 0.3F * std::fabs(x));
    float p = 0.037597803F;
    p = p * t - 0.165133172F;
    p = p * t + 0.219854114F;
    p = p * t - 0.0659342683F;
    p = p * t + 0.134933902F;
    p = p * t + 0.0980210904F;
    p = p * t + 0.121050061F;
    p = p * t + 0.119610503F;
    const float tail = t * p * vector_exp(-0.5F * x * x);
    return x * either(x, tail, 1.0F - tail);
  }
};

template <typename Activation, typename T>
inline void of_all(const T* x, T* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) store(out, i, Activation::of(load(x, i)));
}

}  // namespace

template <>
LLM2CLIP_CLONES void quick_gelu(const float* x, float* out, int64_t count) {
  of_all<QuickGelu>(x, out, count);
}

template <>
LLM2CLIP_CLONES void quick_gelu(const uint16_t* x, uint16_t* out, int64_t count) {
  of_all<QuickGelu>(x, out, count);
}

template <>
LLM2CLIP_CLONES void gelu(const float* x, float* out, int64_t count) {
  of_all<Gelu>(x, out, count);
}

template <>
LLM2CLIP_CLONES void gelu(const uint16_t* x, uint16_t* out, int64_t count) {
  of_all<Gelu>(x, out, count);
}

template <>
LLM2CLIP_CLONES void gelu_tanh(const float* x, float* out, int64_t count) {
  of_all<GeluTanh>(x, out, count);
}

template <>
LLM2CLIP_CLONES void gelu_tanh(const uint16_t* x, uint16_t* out, int64_t count) {
  of_all<GeluTanh>(x, out, count);
}

}  // namespace llm2clip
