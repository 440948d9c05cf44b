#pragma once

#include "ops/linear_kernels.h"

namespace llm2clip {

// Calls of kernels, for the tables of each architecture. All functions are local to the file that
// includes this one.

// Calls `kernel` with the types that it takes: inputs X and a panel of W. Results are in f32,
// except those of kernels whose inputs are bf16.
template <typename X, typename W = X, typename Kernel>
static void multiply(const LinearTask& t, const Kernel& kernel) {
  kernel(static_cast<const X*>(t.x), reinterpret_cast<const W*>(t.panel), t.weight.bias,
         t.out.as<X>(), t.a, t.block);
}

template <typename Kernel>
static void multiply_int16(const LinearTask& t, const Kernel& kernel) {
  kernel(static_cast<const int16_t*>(t.x), t.row_scales, reinterpret_cast<const int16_t*>(t.panel),
         t.weight.bias, t.out.as<float>(), t.a, t.block);
}

template <typename X, typename W, typename Kernel>
static void multiply_int8(const LinearTask& t, const Kernel& kernel) {
  for_element(t.out.element, [&]<typename T>() {
    kernel(static_cast<const X*>(t.x), reinterpret_cast<const W*>(t.panel),
           Int8Scales{t.row_scales, t.weight.scales}, t.weight.bias, t.out.as<T>(), t.a, t.block);
  });
}

static void generic(const LinearTask& t) { multiply<float>(t, linear_generic); }

constexpr LinearKernel kF32Generic{"own, generic", PanelForm::kF32Strips, LinearInput::kAsItIs,
                                   generic};
constexpr LinearKernel kInt8Generic{"own, generic, from int8 weights", PanelForm::kF32Strips,
                                    LinearInput::kAsItIs, generic};

}  // namespace llm2clip
