#include "kernels/cpu/gate.h"

#include "kernels/cpu/clones.h"
#include "kernels/cpu/silu.h"

namespace llm2clip {
namespace {

template <typename T>
inline void all_rows(const T* gate_up, T* out, int64_t hidden, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const T* gate = gate_up + row * 2 * hidden;
    silu_mul(gate, gate + hidden, out + row * hidden, hidden);
  }
}

}  // namespace

template <>
LLM2CLIP_CLONES void gate_rows(const float* gate_up, float* out, int64_t hidden, int64_t first,
                               int64_t last) {
  all_rows(gate_up, out, hidden, first, last);
}

template <>
LLM2CLIP_CLONES void gate_rows(const uint16_t* gate_up, uint16_t* out, int64_t hidden,
                               int64_t first, int64_t last) {
  all_rows(gate_up, out, hidden, first, last);
}

}  // namespace llm2clip
