#include "base/cpu_features.h"
#include "ops/linear_tasks.h"

namespace llm2clip {

const LinearKernel& fastest_linear_kernel(WeightType stored) {
  return stored == WeightType::kInt8 ? kInt8Generic : kF32Generic;
}

bool computes_in_bf16() { return false; }

UnpackPanel* fastest_unpack_panel() { return unpack_panel_plain; }

}  // namespace llm2clip
