#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// A plan on the current context's device, known to take pictures and to give embeddings.
class LoadedPlan {
 public:
  // Throws ERR_ENGINE_INCOMPATIBLE for a file that is none, or takes or gives anything else;
  // ERR_OUT_OF_MEMORY.
  LoadedPlan(std::span<const std::byte> plan, const SessionOptions& options);

  nvinfer1::ICudaEngine& engine() const { return *engine_; }
  const char* input() const { return input_.c_str(); }
  const char* output() const { return output_.c_str(); }
  nvinfer1::Dims input_shape(int64_t batch) const;
  int64_t picture_size() const;  // numbers
  int64_t embedding_dim() const { return embedding_dim_; }

 private:
  void require_interface(int64_t max_batch);

  std::unique_ptr<nvinfer1::IRuntime> runtime_;  // outlives its engine
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  std::string input_, output_;
  Shape one_;  // of a batch
  int64_t embedding_dim_ = 0;
};

}  // namespace llm2clip::tensorrt
