#pragma once

#include "kernels/cpu/bf16.h"
#include "kernels/cpu/exp.h"

namespace llm2clip {

// silu(gate) · up of one row, in a form that compilers vectorise.
template <typename T, typename Out>
inline void silu_mul(const T* gate, const T* up, Out* out, int64_t hidden) {
  for (int64_t i = 0; i < hidden; ++i) {
    const float g = load(gate, i);
    store(out, i, g / (1.0F + vector_exp(-g)) * load(up, i));
  }
}

}  // namespace llm2clip
