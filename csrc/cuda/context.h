#pragma once

#include "cuda/driver.h"

namespace llm2clip {

// A device's primary context, the one that libtorch and TensorRT use too, current on the thread
// that made this. Streams, memory and graphs of the device belong to it and go before it.
class CudaContext {
 public:
  // Throws ERR_DEVICE_UNAVAILABLE for an index that is not there.
  explicit CudaContext(int index);
  ~CudaContext();
  CudaContext(const CudaContext&) = delete;
  CudaContext& operator=(const CudaContext&) = delete;

  // On the calling thread; for what other threads free or copy.
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
