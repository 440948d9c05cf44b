#pragma once

#include <ATen/ATen.h>

#include "engine/torchscript/operators/kernel_dtype.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/shares.h"
#include "kernels/cpu/linear.h"

namespace llm2clip {

// Pads [rows, in] with zeros until `in` is a multiple of the kernels' groups of four bytes.
inline at::Tensor in_whole_groups(const at::Tensor& matrix, size_t element_size) {
  const auto group = static_cast<int64_t>(4 / element_size);
  const int64_t missing = (group - matrix.size(1) % group) % group;
  return missing == 0 ? matrix : at::constant_pad_nd(matrix, {0, missing});
}

// Packs a weight [out, in] of T's size as the kernels of this layout read it: [panels, groups,
// 64 · group].
template <typename T>
at::Tensor pack_in_panels(const at::Tensor& weight, const PanelLayout& layout = kWholePanels) {
  const at::Tensor whole = in_whole_groups(weight, sizeof(T)).contiguous();
  const LinearArguments a{0, whole.size(1), whole.size(0)};
  at::Tensor packed = at::empty({linear_panels(a.out), linear_groups<T>(a.in),
                                 kTileColumns * static_cast<int64_t>(4 / sizeof(T))},
                                weight.options());
  in_shares(packed.size(0), [&](int64_t panel) {
    pack_linear_weight(static_cast<const T*>(whole.const_data_ptr()),
                       static_cast<T*>(packed.mutable_data_ptr()), a, panel, panel + 1, layout);
  });
  return packed;
}

// Packs a weight [out, in] in f32 or bf16, rounded to int16: [panels, groups, 64 · 2].
inline at::Tensor pack_in_int16_panels(const at::Tensor& weight, const PanelLayout& layout) {
  const at::Tensor whole = in_whole_groups(weight, sizeof(int16_t)).contiguous();
  const LinearArguments a{0, whole.size(1), whole.size(0)};
  at::Tensor packed = at::empty(
      {linear_panels(a.out), linear_groups<int16_t>(a.in), kTileColumns * Int16Tile::kGroup},
      at::kShort);
  for_dtype(whole, [&]<typename T>() {
    in_shares(packed.size(0), [&](int64_t panel) {
      pack_linear_weight_in_int16(data<T>(whole), packed.mutable_data_ptr<int16_t>(), a, panel,
                                  panel + 1, layout);
    });
  });
  return packed;
}

}  // namespace llm2clip
