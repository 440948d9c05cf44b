#include "cuda/context.h"

#include <string>

namespace llm2clip {

CudaContext::CudaContext(int index) {
  const DriverApi& api = cuda_driver();
  int count = 0;
  check_cuda(api.device_count(&count), "cannot count GPUs");
  if (index < 0 || index >= count) {
    throw Error(ErrorCode::kDeviceUnavailable,
                "expected one of " + std::to_string(count) +
                    " GPUs (cuda:0 and so on), found cuda:" + std::to_string(index));
  }
  check_cuda(api.device_get(&device_, index), "cannot open the GPU");
  check_cuda(api.context_retain(&handle_, device_), "cannot open the GPU");
  if (const CudaResult result = api.context_set_current(handle_); result != kCudaSuccess) {
    api.context_release(device_);
    check_cuda(result, "cannot use the GPU");
  }
}

CudaContext::~CudaContext() {
  // On a lost device both calls fail, and a destructor can report it to nobody.
  cuda_driver().context_set_current(nullptr);
  cuda_driver().context_release(device_);
}

void CudaContext::make_current() const {
  // On a lost device this fails, but so does every later call, and those report it.
  cuda_driver().context_set_current(handle_);
}

CudaContext::Memory CudaContext::memory() const {
  Memory memory{};
  check_cuda(cuda_driver().memory_info(&memory.free, &memory.total), "cannot ask for GPU memory");
  return memory;
}

}  // namespace llm2clip
