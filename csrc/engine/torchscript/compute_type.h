#pragma once

#include <ATen/core/ATen_fwd.h>
#include <c10/core/ScalarType.h>

#include "base/cpu_features.h"

namespace llm2clip {

// bf16 and fp16 weights are computed with in bf16 where the processor multiplies it, else in fp32.
inline at::ScalarType compute_type(at::ScalarType stored) {
  return stored != at::kFloat && has_bf16_arithmetic() ? at::kBFloat16 : at::kFloat;
}

}  // namespace llm2clip
