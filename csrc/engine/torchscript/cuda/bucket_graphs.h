#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/cuda/CUDAGraph.h>

#include <functional>
#include <memory>
#include <vector>

namespace llm2clip {

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
  std::vector<std::unique_ptr<Bucket>> buckets_;  // ascending
};

}  // namespace llm2clip
