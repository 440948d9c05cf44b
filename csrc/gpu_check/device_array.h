#pragma once

#include <memory>
#include <span>
#include <vector>

#include "cuda/context.h"
#include "cuda/memory.h"

// An array on the first GPU. csrc/tests/host/device_array.h is the equivalent on the host.
namespace llm2clip::testing {

struct TestDevice {
  CudaContext context{0};
  CudaStream stream;
};

inline TestDevice& test_device() {
  static TestDevice device;
  return device;
}

inline CudaStreamHandle test_stream() { return test_device().stream.handle(); }

template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(const std::vector<T>& values) : size_(values.size()) {
    test_device();
    memory_ = DeviceMemory(size_ * sizeof(T));
    if (size_ == 0) return;
    copy_to_device(memory_.address(), std::as_bytes(std::span(values)), test_device().stream);
    test_device().stream.synchronize();
  }
  T* data() { return static_cast<T*>(memory_.data()); }
  const T* data() const { return static_cast<const T*>(memory_.data()); }
  // Waits for all work launched before.
  std::vector<T> read() const {
    std::vector<T> values(size_);
    copy_to_host(std::as_writable_bytes(std::span(values)), memory_.address(),
                 test_device().stream);
    test_device().stream.synchronize();
    return values;
  }

 private:
  size_t size_;
  DeviceMemory memory_;
};

}  // namespace llm2clip::testing
