#pragma once

#include <functional>
#include <utility>

#include "cuda/stream.h"

namespace llm2clip {

// A CUDA graph: work that is recorded once and launched as a unit.
class CudaGraph {
 public:
  CudaGraph() = default;
  // Records the work that `body` adds to the stream, without running it. `body` must not
  // synchronise, and may allocate only from a memory pool that lives as long as the graph. Other
  // threads may use the device during the recording, but this thread may not. If `body` throws, the
  // exception is rethrown and the stream is as before.
  CudaGraph(const CudaStream& stream, const std::function<void()>& body);
  ~CudaGraph();
  CudaGraph(CudaGraph&& other) noexcept : exec_(std::exchange(other.exec_, nullptr)) {}
  CudaGraph& operator=(CudaGraph&& other) noexcept {
    std::swap(exec_, other.exec_);
    return *this;
  }

  explicit operator bool() const { return exec_ != nullptr; }
  void launch(const CudaStream& stream) const;

 private:
  CudaGraphExecHandle exec_ = nullptr;
};

}  // namespace llm2clip
