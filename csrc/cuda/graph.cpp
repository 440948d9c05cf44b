#include "cuda/graph.h"

#include <memory>
#include <type_traits>

namespace llm2clip {
namespace {

// CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: CUDA calls of other threads do not affect the capture.
constexpr int kThreadLocal = 1;

struct DestroyGraph {
  void operator()(CudaGraphHandle graph) const { cuda_driver().graph_destroy(graph); }
};
using OwnedGraph = std::unique_ptr<std::remove_pointer_t<CudaGraphHandle>, DestroyGraph>;

OwnedGraph end_capture(const CudaStream& stream, CudaResult& result) {
  CudaGraphHandle graph = nullptr;
  result = cuda_driver().capture_end(stream.handle(), &graph);
  return OwnedGraph(graph);
}

OwnedGraph capture(const CudaStream& stream, const std::function<void()>& body) {
  check_cuda(cuda_driver().capture_begin(stream.handle(), kThreadLocal),
             "cannot begin a CUDA graph");
  CudaResult result = kCudaSuccess;
  try {
    body();
  } catch (...) {
    end_capture(stream, result);
    throw;
  }
  OwnedGraph graph = end_capture(stream, result);
  check_cuda(result, "cannot capture a CUDA graph");
  return graph;
}

}  // namespace

CudaGraph::CudaGraph(const CudaStream& stream, const std::function<void()>& body) {
  const OwnedGraph graph = capture(stream, body);
  check_cuda(cuda_driver().graph_instantiate(&exec_, graph.get(), 0),
             "cannot instantiate a CUDA graph");
}

CudaGraph::~CudaGraph() {
  if (exec_ != nullptr) cuda_driver().graph_exec_destroy(exec_);
}

void CudaGraph::launch(const CudaStream& stream) const {
  check_cuda(cuda_driver().graph_launch(exec_, stream.handle()), "cannot run on the GPU");
}

}  // namespace llm2clip
