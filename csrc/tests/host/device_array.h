#pragma once

#include <vector>

#include "cuda/driver_api.h"

// What csrc/gpu_check/device_array.h is on a GPU, on the host: the kernels' tests are compiled with
// either.
namespace llm2clip::testing {

inline CudaStreamHandle test_stream() { return nullptr; }

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : values_(values) {}
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  std::vector<T> read() const { return values_; }

 private:
  std::vector<T> values_;
};

}  // namespace llm2clip::testing
