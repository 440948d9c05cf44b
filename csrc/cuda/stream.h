#pragma once

#include <utility>

#include "cuda/driver.h"

namespace llm2clip {

// A point in a stream's work.
class CudaEvent {
 public:
  // How a waiting thread waits. A spinning thread resumes some tens of microseconds earlier; a
  // sleeping thread leaves the core to others.
  enum class Wait { kSpin, kSleep };
  enum class Timing { kOff, kOn };

  explicit CudaEvent(Wait wait = Wait::kSpin, Timing timing = Timing::kOff);
  ~CudaEvent();
  CudaEvent(CudaEvent&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaEvent& operator=(CudaEvent&&) = delete;

  CudaEventHandle handle() const { return handle_; }
  // True when all work recorded before the event has finished. Throws ERR_DEVICE_LOST.
  bool done() const;
  // Blocks until done() is true. Throws ERR_DEVICE_LOST.
  void wait() const;
  // The time between two finished events that were created with Timing::kOn.
  static float milliseconds(const CudaEvent& begin, const CudaEvent& end);

 private:
  CudaEventHandle handle_ = nullptr;
};

// Work that runs in order, concurrently with other streams. It does not wait for the legacy default
// stream.
class CudaStream {
 public:
  CudaStream();
  ~CudaStream();
  CudaStream(CudaStream&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  CudaStream& operator=(CudaStream&&) = delete;

  CudaStreamHandle handle() const { return handle_; }
  void record(const CudaEvent& event) const;
  // Later work on this stream waits for the event. The calling thread does not.
  void wait(const CudaEvent& event) const;
  // Blocks until all work has finished. Throws ERR_DEVICE_LOST.
  void synchronize() const;

 private:
  CudaStreamHandle handle_ = nullptr;
};

}  // namespace llm2clip
