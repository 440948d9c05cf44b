#pragma once

#include <NvInfer.h>

#include <memory>
#include <vector>

#include "cuda/context.h"
#include "cuda/stream.h"
#include "engine/engine.h"
#include "engine/tensorrt/device_texts.h"
#include "engine/tensorrt/loaded_plan.h"

namespace llm2clip::tensorrt {

// A plan's inputs on the device, at fixed addresses, so that a recorded launch may use them.
class PlanInputs {
 public:
  virtual ~PlanInputs() = default;
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) = 0;
  // The sizes to run once when a session opens. They may run with any content of the memory.
  virtual std::vector<BatchSize> to_warm_up() const = 0;
  // Copies a batch to the device, ahead of later work on `stream`. The stream must have finished
  // the previous batch. Memory after the batch keeps old data, and the results for it are ignored.
  virtual BatchSize give(const BatchView& batch, const CudaStream& stream) = 0;
  // Sets the inputs' addresses and shapes. Returns false when the library refuses.
  virtual bool set(nvinfer1::IExecutionContext& context, const BatchSize& size) const = 0;
};

// The inputs are images or features, which are copied unchanged, or texts, which are converted to
// rows.
std::unique_ptr<PlanInputs> plan_inputs(const LoadedPlan& plan, int64_t max_batch,
                                        std::shared_ptr<const CudaContext> context);

}  // namespace llm2clip::tensorrt
