#pragma once

#include "cuda/driver.h"

namespace llm2clip {

// The primary context of a device, which libtorch and TensorRT use, too. The constructor makes it
// current on the calling thread. Streams, memory and graphs of the device belong to it and must be
// destroyed before it.
class CudaContext {
 public:
  // Throws ERR_DEVICE_UNAVAILABLE when there is no device of that index.
  explicit CudaContext(int index);
  ~CudaContext();
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  // Makes the context current on the calling thread. Other threads need this before they free or
  // copy.
  void make_current() const;

  struct Memory {
    size_t free, total;  // bytes
  };
  Memory memory() const;

 private:
  CudaDeviceOrdinal device_ = 0;
  CudaContextHandle handle_ = nullptr;
};

}  // namespace llm2clip
