#pragma once

#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Activations of each element. x and out have the same shape and element, and may be the same
// memory.

// x · sigmoid(1.702 x)
void quick_gelu(Workers& workers, ConstMatrix x, Matrix out);
// x / 2 · (1 + erf(x / √2))
void gelu(Workers& workers, ConstMatrix x, Matrix out);
// x / 2 · (1 + tanh(√(2 / π) · (x + 0.044715 x³)))
void gelu_tanh(Workers& workers, ConstMatrix x, Matrix out);

}  // namespace llm2clip
