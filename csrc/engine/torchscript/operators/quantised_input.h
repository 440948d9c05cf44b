#pragma once

#include <ATen/ATen.h>

#include <optional>

#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/shares.h"
#include "kernels/cpu/quantise_rows.h"

namespace llm2clip {

// The input of a linear layer that multiplies integers.
struct QuantisedInput {
  at::Tensor values;  // [rows, in], padded to whole groups of four bytes
  at::Tensor scales;  // [rows]
};

// x [rows, in]: each input is divided by its smoothing first. Q is the type of the quantised input,
// uint8_t or int16_t, and Weight that of the weight, int8_t or int16_t.
template <typename Q, typename Weight>
QuantisedInput quantised_input(const at::Tensor& x, const float* inverse_smoothing) {
  constexpr int64_t kGroup = 4 / sizeof(Weight);
  constexpr int32_t kMost = sizeof(Weight) == 1 ? kMostInt8 : kMostInt16;
  const int64_t rows = x.size(0), in = x.size(1);
  const QuantiseArguments a{in, (in + kGroup - 1) / kGroup * kGroup, inverse_smoothing, kMost};
  QuantisedInput result{at::empty({rows, a.stride}, c10::CppTypeToScalarType<Q>::value),
                        at::empty({rows}, at::kFloat)};
  for_dtype(x, [&]<typename T>() {
    in_row_shares(rows, [&](int64_t first, int64_t last) {
      quantise_rows(data<T>(x), result.values.mutable_data_ptr<Q>(),
                    result.scales.mutable_data_ptr<float>(), a, first, last);
    });
  });
  return result;
}

}  // namespace llm2clip
