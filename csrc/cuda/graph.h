#pragma once

#include <functional>
#include <utility>

#include "cuda/stream.h"

namespace llm2clip {

// Work recorded once and launched as one.
class CudaGraph {
 public:
  CudaGraph() = default;
  // Records what `body` puts on the stream; nothing of it runs. `body` must neither synchronise nor
  // allocate outside of a pool that lives as long as the graph. Other threads may use the device
  // meanwhile, this one may not. What `body` throws is thrown on, and the stream is as before.
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
