#pragma once

#include <cstdint>

namespace llm2clip {

// Activations of `count` numbers. `out` may be x.

// The plain references, in double.
void quick_gelu_plain(const float* x, float* out, int64_t count);
void gelu_plain(const float* x, float* out, int64_t count);
void gelu_tanh_plain(const float* x, float* out, int64_t count);

// The fast kernels. T: float, or uint16_t for bf16.
// x · sigmoid(1.702 x)
template <typename T>
void quick_gelu(const T* x, T* out, int64_t count);
// x / 2 · (1 + erf(x / √2))
template <typename T>
void gelu(const T* x, T* out, int64_t count);
// x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 x³)))
template <typename T>
void gelu_tanh(const T* x, T* out, int64_t count);

}  // namespace llm2clip
