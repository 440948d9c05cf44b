#include "engine/torchscript/operators/panels.h"

#include "engine/torchscript/operators/large_result.h"
#include "engine/torchscript/operators/shapes.h"
#include "engine/torchscript/operators/tensor_matrix.h"
#include "engine/torchscript/operators/torch_workers.h"

namespace llm2clip::operators {
namespace {

using at::Tensor;

LinearWeight weight_of(const PanelLinear& layer, int64_t in) {
  const WeightType type = weight_type(layer.panels.scalar_type());
  TORCH_CHECK(layer.panels.size(0) == linear_panels(layer.out) &&
                  layer.panels.size(1) == panel_groups(type, in),
              "expected panels of a weight [", layer.out, ", ", in, "], found ",
              layer.panels.sizes());
  return {.type = type,
          .panels = static_cast<const std::byte*>(layer.panels.const_data_ptr()),
          .out = layer.out,
          .in = in,
          .bias = layer.bias ? layer.bias->const_data_ptr<float>() : nullptr,
          .scales = layer.scales,
          .inverse_smoothing = layer.inverse_smoothing};
}

}  // namespace

WeightType weight_type(at::ScalarType stored) {
  switch (stored) {
    case at::kBFloat16: return WeightType::kBf16;
    case at::kHalf: return WeightType::kF16;
    case at::kChar: return WeightType::kInt8;
    default: TORCH_CHECK(stored == at::kFloat, "expected a weight's dtype, found ", stored);
  }
  return WeightType::kF32;
}

Tensor pack_in_panels(const Tensor& weight) {
  const Tensor rows = weight.contiguous();
  const WeightType type = weight_type(rows.scalar_type());
  const int64_t out = rows.size(0), in = rows.size(1);
  Tensor packed =
      at::empty({linear_panels(out), panel_groups(type, in), kPanelGroupBytes / size_of(type)},
                rows.options());
  auto* to = static_cast<std::byte*>(packed.mutable_data_ptr());
  torch_workers().run(packed.size(0), [&](int64_t panel, int64_t) {
    pack_panels(type, rows.const_data_ptr(), to, out, in, panel, panel + 1);
  });
  return packed;
}

Tensor multiply_panels(const Tensor& input, const PanelLinear& layer) {
  const Tensor x = input.flatten(0, -2).contiguous();
  const LinearWeight weight = weight_of(layer, x.size(1));
  TORCH_CHECK(weight.type == WeightType::kInt8 || element_of(x) == compute_element(weight.type),
              "expected the type that this processor computes in, found ", x.scalar_type());
  Tensor out = empty_result({x.size(0), layer.out}, x.scalar_type());
  const Tensor room = at::empty({static_cast<int64_t>(linear_room(weight, x.size(0)))}, at::kByte);
  llm2clip::linear(torch_workers(), weight, matrix_of(x), result_of(out),
                   static_cast<std::byte*>(room.mutable_data_ptr()));
  return out.view(with_last(input.sizes(), layer.out));
}

}  // namespace llm2clip::operators
