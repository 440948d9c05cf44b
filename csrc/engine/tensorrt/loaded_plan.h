#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace llm2clip::tensorrt {

// A plan on the device of the current context. The constructor checks that it accepts the session's
// inputs and batch size, and that it returns embeddings.
class LoadedPlan {
 public:
  // Throws ERR_ENGINE_INCOMPATIBLE for a file that is not a plan or has other inputs or outputs,
  // and ERR_OUT_OF_MEMORY.
  LoadedPlan(std::span<const std::byte> plan, const SessionOptions& options);

  nvinfer1::ICudaEngine& engine() const { return *engine_; }
  // One name for images or features. For texts three: token ids, attention mask and pool mask.
  const std::vector<std::string>& inputs() const { return inputs_; }
  const char* output() const { return output_.c_str(); }
  const Input& input() const { return input_; }  // one input of a batch
  int64_t embedding_dim() const { return embedding_dim_; }

 private:
  void require_inputs(int64_t max_batch);
  void require_texts();
  void require_output();

  std::unique_ptr<nvinfer1::IRuntime> runtime_;  // must outlive its engine
  std::unique_ptr<nvinfer1::ICudaEngine> engine_;
  std::vector<std::string> inputs_;
  std::string output_;
  Input input_;
  int64_t embedding_dim_ = 0;
};

}  // namespace llm2clip::tensorrt
