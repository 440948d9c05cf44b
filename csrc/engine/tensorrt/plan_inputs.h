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

// A plan's inputs on the device, at addresses that a recorded launch may keep.
class PlanInputs {
 public:
  virtual ~PlanInputs() = default;
  virtual std::unique_ptr<BatchMemory> batch_memory(size_t floats) = 0;
  // Whatever is in memory at first, these may be run at once.
  virtual std::vector<BatchSize> to_warm_up() const = 0;
  // Brings a batch to the device, before what follows on `stream`, which must be done with the one
  // before. What lies past it there is of no interest, nor is its result.
  virtual BatchSize give(const BatchView& batch, const CudaStream& stream) = 0;
  // False where the library refuses.
  virtual bool set(nvinfer1::IExecutionContext& context, const BatchSize& size) const = 0;
};

// Of images or features, which lie as the plan takes them; or of texts, which become rows.
std::unique_ptr<PlanInputs> plan_inputs(const LoadedPlan& plan, int64_t max_batch,
                                        std::shared_ptr<const CudaContext> context);

}  // namespace llm2clip::tensorrt
