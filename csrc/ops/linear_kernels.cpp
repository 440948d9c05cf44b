#include "ops/linear_kernels.h"

namespace llm2clip {

Element compute_element(WeightType stored) {
  return stored != WeightType::kF32 && computes_in_bf16() ? Element::kBf16 : Element::kF32;
}

bool runs_in_int16(WeightType stored) {
  return fastest_linear_kernel(stored).input == LinearInput::kInt16;
}

bool runs_in_bf16(WeightType stored) {
  return compute_element(stored) == Element::kBf16 ||
         fastest_linear_kernel(stored).input == LinearInput::kBf16;
}

bool runs_in_int8() {
  return fastest_linear_kernel(WeightType::kInt8).input != LinearInput::kAsItIs;
}

std::string linear_kernel(WeightType stored) { return fastest_linear_kernel(stored).name; }

}  // namespace llm2clip
