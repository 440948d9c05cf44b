#pragma once

#include <ATen/core/ATen_fwd.h>
#include <c10/core/ScalarType.h>

#include "base/cpu_features.h"
#include "engine/engine.h"

namespace llm2clip {

// The type that an engine file's parameters are stored in. For int8, this excludes quantised
// weights.
inline at::ScalarType stored_type(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return at::kFloat;
    case Precision::kFp16: return at::kHalf;
    case Precision::kBf16:
    case Precision::kInt8: return at::kBFloat16;
  }
  return at::kFloat;
}

// The type to compute in: bf16 for bf16 and fp16 weights if the processor is fast at it, else fp32.
inline at::ScalarType compute_type(at::ScalarType stored) {
  return stored != at::kFloat && cpu_isa() >= Isa::kAvx512Bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace llm2clip
