#include "kernels/cpu/gated_norm.h"

#include <vector>

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/norm_row.h"
#include "kernels/cpu/silu.h"

namespace llm2clip {
namespace {

template <typename T>
inline void all_rows(const T* gate_up, const T* weight, const T* bias, T* out,
                     const GatedNormArguments& a, int64_t first, int64_t last) {
  std::vector<float> product(static_cast<size_t>(a.hidden));
  float* x = product.data();
  for (int64_t row = first; row < last; ++row) {
    const T* gate = gate_up + row * 2 * a.hidden;
    silu_mul(gate, gate + a.hidden, x, a.hidden);
    norm_row(x, weight, bias, out + row * a.hidden, a.hidden, a.eps);
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
