#pragma once

#include <ATen/core/Tensor.h>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// A pointer to a tensor's elements in the kernels' type.
template <typename T>
const T* elements(const at::Tensor& tensor) {
  return static_cast<const T*>(tensor.const_data_ptr());
}

template <typename T>
T* mutable_elements(const at::Tensor& tensor) {
  return static_cast<T*>(tensor.mutable_data_ptr());
}

// Calls body.operator()<T>() with the kernels' name for the tensor's type.
template <typename Body>
void for_element(const at::Tensor& tensor, Body&& body) {
  switch (tensor.scalar_type()) {
    case at::kHalf: return body.template operator()<F16>();
    case at::kBFloat16: return body.template operator()<BF16>();
    default:
      TORCH_CHECK(tensor.scalar_type() == at::kFloat,
                  "expected float16, bfloat16 or float32, found ", tensor.scalar_type());
      return body.template operator()<float>();
  }
}

// The stream for operators: the current stream of the calling thread.
CudaStreamHandle current_stream(const at::Tensor& tensor);

}  // namespace llm2clip
