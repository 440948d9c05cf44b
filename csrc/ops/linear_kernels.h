#pragma once

#include "kernels/cpu/linear.h"
#include "ops/linear.h"

namespace llm2clip {

// What a kernel reads as its input: x as it is, x padded as the weight is, x in f32 rounded to bf16
// with the same padding, or x rounded to integers with one scale per row, of the range of int16, of
// int8 with 128 added, of int8, or of int8 in int16.
enum class LinearInput { kAsItIs, kPadded, kBf16, kInt16, kUint8, kInt8, kInt8InInt16 };

// The work of one call of a kernel.
struct LinearTask {
  const LinearWeight& weight;
  const void* x;
  const float* row_scales;  // of rounded rows
  const std::byte* panel;   // in the kernel's form
  const Matrix& out;
  LinearArguments a;
  LinearBlock block;
};

struct LinearKernel {
  const char* name;
  PanelForm form;
  LinearInput input;
  void (*multiply)(const LinearTask& task);

  // The inputs that it multiplies, with their padding.
  int64_t width(const LinearWeight& weight) const {
    return input == LinearInput::kAsItIs ? weight.in : whole_inputs(weight.type, form, weight.in);
  }
};

// Each architecture has a file that defines the following functions.

// The fastest kernel of this processor for weights that are stored in this type.
const LinearKernel& fastest_linear_kernel(WeightType stored);

// Whether the kernels of 16-bit and int8 weights take and return bf16 here.
bool computes_in_bf16();

// The fastest function of this processor that unpacks panels.
using UnpackPanel = void(const std::byte* panel, std::byte* to, const PanelArguments& a);
UnpackPanel* fastest_unpack_panel();

}  // namespace llm2clip
