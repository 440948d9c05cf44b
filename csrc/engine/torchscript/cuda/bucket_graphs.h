#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAGraph.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace llm2clip {

// Held while graphs are recorded or let go, by all sessions of the process: libtorch lists the
// graphs of a device and guards that list by nothing; and it keeps freed memory while any recording
// is under way. Never freed: threads may outlive the statics of this library.
std::mutex& recording_mutex();

// One CUDA graph a batch size: all that a run launches, recorded once. They share one pool of
// memory, which one run after another uses.
class BucketGraphs {
 public:
  using Forward = std::function<at::Tensor(const at::Tensor& batch)>;  // → [batch, dim] f32

  // input: [largest, …], pixels or patches, at the address that runs read. Runs and records
  // `forward` for each of batch_sizes() on the current stream.
  BucketGraphs(const at::Tensor& input, const Forward& forward);
  ~BucketGraphs();

  // Puts a run of the first `batch` pictures of `input` on the current stream. Its result,
  // [at least batch, dim] f32, lasts until the next.
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
