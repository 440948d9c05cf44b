#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <type_traits>

namespace llm2clip {

// The kernels take bf16 numbers as their bits.
template <typename T>
using Bits = std::conditional_t<std::is_same_v<T, float>, float, uint16_t>;

template <typename T>
const Bits<T>* data(const at::Tensor& tensor) {
  return static_cast<const Bits<T>*>(tensor.const_data_ptr());
}

template <typename T>
Bits<T>* mutable_data(at::Tensor& tensor) {
  return static_cast<Bits<T>*>(tensor.mutable_data_ptr());
}

// Calls body.operator()<float or at::BFloat16>().
template <typename Body>
void for_dtype(const at::Tensor& tensor, Body&& body) {
  if (tensor.scalar_type() == at::kFloat) return body.template operator()<float>();
  TORCH_CHECK(tensor.scalar_type() == at::kBFloat16, "expected float32 or bfloat16, found ",
              tensor.scalar_type());
  body.template operator()<at::BFloat16>();
}

}  // namespace llm2clip
