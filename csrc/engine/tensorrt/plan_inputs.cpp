#include "engine/tensorrt/plan_inputs.h"

#include "cuda/batch_sizes.h"
#include "cuda/memory.h"
#include "cuda/staged_batch.h"
#include "engine/tensorrt/dims.h"

namespace llm2clip::tensorrt {
namespace {

using nvinfer1::IExecutionContext;

bool set_input(IExecutionContext& context, const std::string& name, const Shape& shape,
               void* data) {
  return context.setInputShape(name.c_str(), dims_of(shape)) &&
         context.setTensorAddress(name.c_str(), data);
}

const float* numbers_of(const BatchView& batch) {
  if (const auto* images = std::get_if<Images>(&batch)) return images->pixels;
  return std::get<Features>(batch).numbers;
}

// Images or features. Their copies to the device start as soon as they are complete.
class StagedInputs final : public PlanInputs {
 public:
  StagedInputs(const LoadedPlan& plan, int64_t max_batch,
               std::shared_ptr<const CudaContext> context)
      : name_(plan.inputs().front()),
        one_(plan.input().shape),
        sizes_(batch_sizes(max_batch)),
        staged_({std::move(context), static_cast<size_t>(element_count(one_))}),
        memory_(static_cast<size_t>(max_batch * element_count(one_)) * sizeof(float)) {}

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override { return staged_.add(floats); }

  std::vector<BatchSize> to_warm_up() const override {
    std::vector<BatchSize> sizes;
    for (const int64_t batch : sizes_) sizes.push_back({batch, 0});
    return sizes;
  }

  BatchSize give(const BatchView& batch, const CudaStream& stream) override {
    const int64_t count = count_of(batch);
    staged_.give(numbers_of(batch), static_cast<size_t>(count), memory_.address(), stream);
    return {size_for(sizes_, count), 0};
  }

  bool set(IExecutionContext& context, const BatchSize& size) const override {
    return set_input(context, name_, batch_of(size.batch, one_), memory_.data());
  }

 private:
  std::string name_;
  Shape one_;
  std::vector<int64_t> sizes_;
  StagedBatches staged_;
  DeviceMemory memory_;
};

class TextInputs final : public PlanInputs {
 public:
  TextInputs(const LoadedPlan& plan, int64_t max_batch)
      : names_(plan.inputs()), texts_(max_batch, plan.input().most_tokens()) {}

  // give() makes the device's input from this memory.
  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return std::make_unique<PlainBatchMemory>(floats);
  }

  std::vector<BatchSize> to_warm_up() const override { return texts_.to_warm_up(); }

  BatchSize give(const BatchView& batch, const CudaStream& stream) override {
    return texts_.give(std::get<Texts>(batch), stream);
  }

  bool set(IExecutionContext& context, const BatchSize& size) const override {
    bool taken = true;
    for (size_t i = 0; i < names_.size(); ++i) {
      taken &= set_input(context, names_[i], {size.batch, size.tokens}, texts_.data(i));
    }
    return taken;
  }

 private:
  std::vector<std::string> names_;  // of token ids, attention mask and pool mask
  DeviceTexts texts_;
};

}  // namespace

std::unique_ptr<PlanInputs> plan_inputs(const LoadedPlan& plan, int64_t max_batch,
                                        std::shared_ptr<const CudaContext> context) {
  if (plan.input().kind == InputKind::kText) return std::make_unique<TextInputs>(plan, max_batch);
  return std::make_unique<StagedInputs>(plan, max_batch, std::move(context));
}

}  // namespace llm2clip::tensorrt
