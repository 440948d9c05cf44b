#pragma once

#include <vector>

#include "cuda/driver_api.h"

// The counterpart of csrc/gpu_check/device_array.h on the host. The kernel tests are compiled with
// either of them.
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
