#pragma once

#include <utility>

#include "cuda/driver.h"

namespace llm2clip {

// A point in a stream's work.
class CudaEvent {
 public:
  // How a thread that waits does so: a spin answers some tens of microseconds sooner, asleep it
  // leaves the core to others.
  enum class Wait { kSpin, kSleep };
  enum class Timing { kOff, kOn };

  explicit CudaEvent(Wait wait = Wait::kSpin, Timing timing = Timing::kOff);
  ~CudaEvent();
  CudaEvent(CudaEvent&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaEvent& operator=(CudaEvent&&) = delete;

  CudaEventHandle handle() const { return handle_; }
  // Whether all that was recorded before it is done. Throws ERR_DEVICE_LOST.
  bool done() const;
  // Blocks until it is. Throws ERR_DEVICE_LOST.
  void wait() const;
  // Between two events with timing that are done.
  static float milliseconds(const CudaEvent& begin, const CudaEvent& end);

 private:
  CudaEventHandle handle_ = nullptr;
};

// Work in order, beside other streams'. It does not wait for the legacy default stream.
class CudaStream {
 public:
  CudaStream();
  ~CudaStream();
  CudaStream(CudaStream&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaStream& operator=(CudaStream&&) = delete;

  CudaStreamHandle handle() const { return handle_; }
  void record(const CudaEvent& event) const;
  // What follows on this stream waits for the event; the calling thread does not.
  void wait(const CudaEvent& event) const;
  // Blocks until all is done. Throws ERR_DEVICE_LOST.
  void synchronize() const;

 private:
  CudaStreamHandle handle_ = nullptr;
};

}  // namespace llm2clip
