#pragma once

#include <ATen/core/ATen_fwd.h>
#include <c10/core/ScalarType.h>

#include "base/cpu_features.h"

namespace llm2clip {

// bf16 and fp16 weights are computed with in bf16 where the processor is fast at it, else in fp32.
inline at::ScalarType compute_type(at::ScalarType stored) {
  return stored != at::kFloat && cpu_isa() >= Isa::kAvx512Bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace llm2clip
