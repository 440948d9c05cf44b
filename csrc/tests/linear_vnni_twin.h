#pragma once

#include "kernels/cpu/linear.h"

namespace llm2clip::testing {

// linear_int8_avx_vnni() with its instruction replaced by AVX2 instructions, for processors that
// lack it.
void linear_int8_vnni_twin(const uint8_t* x, const int8_t* strips, const Int8Scales& scales,
                           const float* bias, float* out, const LinearArguments& a,
                           const LinearBlock& block);

}  // namespace llm2clip::testing
