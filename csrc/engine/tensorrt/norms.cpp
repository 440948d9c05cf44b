#include "engine/tensorrt/norms.h"

namespace llm2clip::tensorrt {
namespace {

Padding row_padding(int64_t size, int64_t padded) { return {1, 1, size, 1, padded}; }

// Divides x, of which only the first `width` elements are not zero, by the root of their mean
// square.
Tensor scaled_to_unit(NetworkWriter& out, Tensor x, int64_t width, double eps) {
  Tensor const inverse_width = out.scalar(1.0F / static_cast<float>(width), x);
  Tensor const squares = out.sum_of_rows(out.multiply(x, x));
  Tensor const mean_square = out.multiply(squares, inverse_width);
  Tensor const least = out.scalar(static_cast<float>(eps), x);
  return out.multiply(x, out.inverse_root(out.add(mean_square, least)));
}

}  // namespace

Tensor normalise(NetworkWriter& out, Tensor x, const Norm& norm) {
  const int64_t width = norm.weight.shape()[0];
  const Padding none = row_padding(width, width);
  const Shape row = as_row(width, x);
  auto* const layer =
      out.require_layer(out.network().addNormalizationV2(
                            *x, *out.weight_f32(norm.weight, none, row),
                            *out.weight_f32(norm.bias, none, row), 1U << (row.size() - 1)),
                        "a norm");
  layer->setEpsilon(static_cast<float>(norm.eps));
  layer->setName(norm.weight.first_name().c_str());
  return out.cast(layer->getOutput(0), out.type());
}

Tensor normalise_root_mean_square(NetworkWriter& out, Tensor x, const RmsNorm& norm) {
  const int64_t width = norm.weight.shape()[0];
  Tensor const unit = scaled_to_unit(out, x, width, norm.eps);
  Tensor const weight = out.weight_f32(norm.weight, row_padding(width, width), as_row(width, x));
  return out.cast(out.multiply(unit, weight), out.type());
}

Tensor normalise_length(NetworkWriter& out, Tensor x) {
  using nvinfer1::ElementWiseOperation;
  Tensor const length = out.root(out.sum_of_rows(out.multiply(x, x)));
  Tensor const least = out.scalar(1e-12F, length);  // for a vector of zeros
  return out.combine(x, out.combine(length, least, ElementWiseOperation::kMAX),
                     ElementWiseOperation::kDIV);
}

Tensor normalise_padded(NetworkWriter& out, Tensor x, const Norm& norm) {
  const int64_t width = norm.weight.shape()[0], padded = shape_of(x).back();
  const Padding padding = row_padding(width, padded);
  const Shape row = as_row(padded, x);
  Tensor const inverse_width = out.scalar(1.0F / static_cast<float>(width), x);
  Tensor const mean = out.multiply(out.sum_of_rows(x), inverse_width);
  Tensor const difference = out.combine(x, mean, nvinfer1::ElementWiseOperation::kSUB);
  Tensor const inside = out.numbers(ones_then_zeros(width, padded), row);
  Tensor const unit = scaled_to_unit(out, out.multiply(difference, inside), width, norm.eps);
  Tensor const scaled = out.multiply(unit, out.weight_f32(norm.weight, padding, row));
  return out.cast(out.add(scaled, out.weight_f32(norm.bias, padding, row)), out.type());
}

}  // namespace llm2clip::tensorrt
