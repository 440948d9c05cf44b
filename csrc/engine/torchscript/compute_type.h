#pragma once

#include <ATen/core/ATen_fwd.h>
#include <c10/core/ScalarType.h>

#include "base/cpu_features.h"
#include "engine/engine.h"

namespace llm2clip {

// What the parameters of an engine file are stored in; in int8, all but the weights quantised.
inline at::ScalarType stored_type(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return at::kFloat;
    case Precision::kFp16: return at::kHalf;
    case Precision::kBf16:
    case Precision::kInt8: return at::kBFloat16;
  }
  return at::kFloat;
}

// bf16 and fp16 weights are computed with in bf16 where the processor is fast at it, else in fp32.
inline at::ScalarType compute_type(at::ScalarType stored) {
  return stored != at::kFloat && cpu_isa() >= Isa::kAvx512Bf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace llm2clip
