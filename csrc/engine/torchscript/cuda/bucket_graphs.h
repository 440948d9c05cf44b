#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAGraph.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace llm2clip {

// All sessions of the process hold this mutex while they record or destroy graphs. libtorch keeps a
// list of each device's graphs without a lock, and frees no memory while any recording is active.
// It is never destroyed, because threads may outlive the static objects of this library.
std::mutex& recording_mutex();

// One CUDA graph per batch size, with all launches of a run. The graphs share a memory pool,
// because only one runs at a time.
class BucketGraphs {
 public:
  using Forward = std::function<at::Tensor(const at::Tensor& batch)>;  // → [batch, dim] f32

  // `input` is [largest, …], pixels or patches, at the address that runs read. Runs and records
  // `forward` on the current stream for each of the batch_sizes().
  BucketGraphs(const at::Tensor& input, const Forward& forward);
  ~BucketGraphs();

  // Launches a run of the first `batch` images of `input` on the current stream. The result,
  // [at least batch, dim] f32, is valid until the next run.
  const at::Tensor& run(int64_t batch);

 private:
  struct Bucket {
    int64_t size;
    at::cuda::CUDAGraph graph;
    at::Tensor output;
  };
  void record_all(const at::Tensor& input, const Forward& forward);

  std::vector<std::unique_ptr<Bucket>> buckets_;  // ascending
};

}  // namespace llm2clip
