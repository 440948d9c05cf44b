#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/cpu/bf16.h"

namespace llm2clip {

// Scales of successive outputs.
struct Int8Outputs {
  const float* scale;
  const float* bias;  // or nullptr
  int64_t columns;
};

// sums · scale · output scales + bias → out. It is local to the file that includes it, because each
// file is compiled for other instructions. All of them have FMA, which makes the sum the same in
// each file, whatever the compiler optimises.
template <typename T>
static void scale_row(const int32_t* sums, float scale, const Int8Outputs& outputs, T* out) {
  if (outputs.bias == nullptr) {
    for (int64_t i = 0; i < outputs.columns; ++i) {
      store(out, i, static_cast<float>(sums[i]) * (scale * outputs.scale[i]));
    }
    return;
  }
  for (int64_t i = 0; i < outputs.columns; ++i) {
    store(out, i, std::fma(static_cast<float>(sums[i]), scale * outputs.scale[i], outputs.bias[i]));
  }
}

}  // namespace llm2clip
