#include "engine/torchscript/cuda/bucket_graphs.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <ranges>

#include "base/error.h"
#include "cuda/batch_sizes.h"

namespace llm2clip {
namespace {

// The first run chooses algorithms and allocates workspaces, which must not happen during the
// recording. The second run uses the final choice.
constexpr int kWarmUps = 2;

// When capture_end() fails, libtorch stops half-way, and its allocator would treat this recording
// as active forever. So the allocation to the pool is ended here.
void end(at::cuda::CUDAGraph& graph, c10::MempoolId_t pool) {
  try {
    graph.capture_end();
  } catch (const c10::Error&) {
    const c10::DeviceIndex device = c10::cuda::current_device();
    try {
      c10::cuda::CUDACachingAllocator::endAllocateToPool(device, pool);
      c10::cuda::CUDACachingAllocator::releasePool(device, pool);
    } catch (const c10::Error&) {
      // capture_end() had already done this part. The graph's destructor does the rest.
    }
    throw;
  }
}

// Records one run. A recording that fails is ended, too, so that the stream is as before.
at::Tensor record(at::cuda::CUDAGraph& graph, c10::MempoolId_t pool,
                  const std::function<at::Tensor()>& run) {
  // Sessions on other threads may allocate and launch during the recording.
  graph.capture_begin(pool, cudaStreamCaptureModeThreadLocal);
  at::Tensor output;
  try {
    output = run();
  } catch (...) {
    try {
      end(graph, pool);
    } catch (const c10::Error&) {
      // The first error says more.
    }
    throw;
  }
  end(graph, pool);
  return output;
}

}  // namespace

std::mutex& recording_mutex() {
  static auto* const instance = new std::mutex;
  return *instance;
}

BucketGraphs::BucketGraphs(const at::Tensor& input, const Forward& forward) {
  const std::lock_guard lock(recording_mutex());
  try {
    record_all(input, forward);
  } catch (...) {
    buckets_.clear();  // while the lock is held
    throw;
  }
}

void BucketGraphs::record_all(const at::Tensor& input, const Forward& forward) {
  const auto pool = at::cuda::graph_pool_handle();
  const std::vector<int64_t> sizes = batch_sizes(input.size(0));
  // The largest batch is recorded first, and the others reuse its memory.
  for (const int64_t size : std::views::reverse(sizes)) {
    const at::Tensor pixels = input.narrow(0, 0, size);
    for (int i = 0; i < kWarmUps; ++i) forward(pixels);
    auto bucket = std::make_unique<Bucket>();
    bucket->size = size;
    bucket->output = record(bucket->graph, pool, [&] { return forward(pixels); });
    bucket->graph.replay();
    buckets_.push_back(std::move(bucket));
  }
  std::ranges::reverse(buckets_);
  c10::cuda::getCurrentCUDAStream().synchronize();
  // The warm-ups' memory is separate from the graphs' pool, and is no longer needed.
  c10::cuda::CUDACachingAllocator::emptyCache();
}

BucketGraphs::~BucketGraphs() {
  const std::lock_guard lock(recording_mutex());
  buckets_.clear();
}

const at::Tensor& BucketGraphs::run(int64_t batch) {
  const auto found =
      std::ranges::find_if(buckets_, [batch](const auto& bucket) { return bucket->size >= batch; });
  if (found == buckets_.end()) {
    throw Error(ErrorCode::kInternal, "expected at most " + std::to_string(buckets_.back()->size) +
                                          " images in a batch, found " + std::to_string(batch));
  }
  (*found)->graph.replay();
  return (*found)->output;
}

}  // namespace llm2clip
