#include "cuda/stream.h"

namespace llm2clip {
namespace {

// CU_STREAM_NON_BLOCKING; CU_EVENT_BLOCKING_SYNC, CU_EVENT_DISABLE_TIMING.
constexpr unsigned kNonBlocking = 1, kBlockingSync = 1, kDisableTiming = 2;

}  // namespace

CudaEvent::CudaEvent(Wait wait, Timing timing) {
  const unsigned flags =
      (wait == Wait::kSleep ? kBlockingSync : 0) | (timing == Timing::kOff ? kDisableTiming : 0);
  check_cuda(cuda_driver().event_create(&handle_, flags), "cannot make a CUDA event");
}

CudaEvent::~CudaEvent() {
  if (handle_ != nullptr) cuda_driver().event_destroy(handle_);
}

bool CudaEvent::done() const {
  const CudaResult result = cuda_driver().event_query(handle_);
  if (result == kCudaNotReady) return false;
  check_cuda(result, "cannot run on the GPU");
  return true;
}

void CudaEvent::wait() const {
  check_cuda(cuda_driver().event_synchronize(handle_), "cannot run on the GPU");
}

float CudaEvent::milliseconds(const CudaEvent& begin, const CudaEvent& end) {
  float milliseconds = 0;
  check_cuda(cuda_driver().event_elapsed(&milliseconds, begin.handle_, end.handle_),
             "cannot time the GPU");
  return milliseconds;
}

CudaStream::CudaStream() {
  check_cuda(cuda_driver().stream_create(&handle_, kNonBlocking), "cannot make a CUDA stream");
}

CudaStream::~CudaStream() {
  if (handle_ != nullptr) cuda_driver().stream_destroy(handle_);
}

void CudaStream::record(const CudaEvent& event) const {
  check_cuda(cuda_driver().event_record(event.handle(), handle_), "cannot record a CUDA event");
}

void CudaStream::wait(const CudaEvent& event) const {
  check_cuda(cuda_driver().stream_wait_event(handle_, event.handle(), 0),
             "cannot wait for a CUDA event");
}

void CudaStream::synchronize() const {
  check_cuda(cuda_driver().stream_synchronize(handle_), "cannot run on the GPU");
}

}  // namespace llm2clip
