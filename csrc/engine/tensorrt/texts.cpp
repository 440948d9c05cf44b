#include "engine/tensorrt/texts.h"

namespace llm2clip::tensorrt {

using nvinfer1::DataType;

Texts::Texts(NetworkWriter& out) {
  const auto input = [&](size_t i) {
    return out.input(kTextInputs[i], {-1, -1}, DataType::kINT64);
  };
  ids_ = input(0);
  Tensor const there = input(1);
  pool_mask_ = input(2);
  places_ = out.sum_before(there, 1);
  // Padding attends to padding, because attending to nothing would give NaN.
  Tensor const queries = out.reshape(there, {0, 1, -1, 1}),
               keys = out.reshape(there, {0, 1, 1, -1});
  attention_mask_ = out.combine(queries, keys, nvinfer1::ElementWiseOperation::kEQUAL);
}

Tensor Texts::mean(NetworkWriter& out, Tensor x) const {
  Tensor const share = out.reshape(out.cast(pool_mask_, DataType::kFLOAT), {0, 0, 1});
  Tensor const total = out.sum(out.multiply(out.cast(x, DataType::kFLOAT), share), 1);
  Tensor const mean = out.combine(total, out.sum(share, 1), nvinfer1::ElementWiseOperation::kDIV);
  return out.reshape(mean, {0, shape_of(x).back()});
}

}  // namespace llm2clip::tensorrt
