#include <cmath>

#include "kernels/cpu/gate.h"

namespace llm2clip {

void gate_plain(const float* gate_up, float* out, int64_t hidden, int64_t first, int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    const float* gate = gate_up + row * 2 * hidden;
    for (int64_t i = 0; i < hidden; ++i) {
      const double g = gate[i];
      out[row * hidden + i] = static_cast<float>(g / (1.0 + std::exp(-g)) * gate[hidden + i]);
    }
  }
}

}  // namespace llm2clip
