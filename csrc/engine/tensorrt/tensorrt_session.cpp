#include "engine/tensorrt/tensorrt_session.h"

#include <string>

#include "base/file.h"
#include "base/output_file.h"
#include "cuda/result_ring.h"
#include "engine/tensorrt/device.h"
#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/loaded_plan.h"
#include "engine/tensorrt/log.h"
#include "engine/tensorrt/plan_inputs.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::tensorrt {
namespace {

std::vector<std::byte> read_plan(const std::string& path) {
  const File file(path);
  std::vector<std::byte> bytes(file.size());
  file.read(0, bytes);
  return bytes;
}

class TensorrtSession final : public Session {
 public:
  TensorrtSession(const SessionOptions& options, const CudaDevice& device)
      : cuda_(std::make_shared<const CudaContext>(device.index)),
        plan_(read_plan(options.path), options),
        inputs_(plan_inputs(plan_, options.max_batch, cuda_)),
        results_(cuda_),
        embeddings_(bytes(options.max_batch * plan_.embedding_dim())),
        context_(plan_.engine(), read_cache(options.cache)) {
    info_.device = "cuda:" + std::to_string(device.index);
    info_.kernels = {std::string(kFlavour.name) + " " + library_version() + " on " + device.name};
    warm_up();
    if (!options.cache.empty()) write_cache(options.cache, context_.bytes());
  }

  const SessionInfo& info() const override { return info_; }

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override {
    return inputs_->batch_memory(floats);
  }

  Embeddings run(const BatchView& inputs) override {
    const int64_t batch = count_of(inputs);
    const size_t size = bytes(batch * plan_.embedding_dim());
    const auto result = results_.next(size);
    enqueue(inputs_->give(inputs, stream_));
    copy_to_host({result->memory.data(), size}, embeddings_.address(), stream_);
    stream_.record(done_);
    done_.wait();
    return {result->memory.floats(), batch, plan_.embedding_dim(), result};
  }

 private:
  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

  // Compiles the kernels for each size or takes them from the cache, so that no request waits for
  // that.
  void warm_up() {
    for (const BatchSize& size : inputs_->to_warm_up()) enqueue(size);
    stream_.synchronize();
  }

  void enqueue(const BatchSize& size) {
    Log::get().clear();
    nvinfer1::IExecutionContext& context = context_.get();
    const bool begun = inputs_->set(context, size) &&
                       context.setTensorAddress(plan_.output(), embeddings_.data()) &&
                       context.enqueueV3(stream_.handle());
    if (begun) return;
    stream_.synchronize();  // throws if the device has failed
    Log::get().fail(ErrorCode::kInternal, "cannot run a batch of " + std::to_string(size.batch));
  }

  std::shared_ptr<const CudaContext> cuda_;  // destroyed last
  CudaStream stream_;
  CudaEvent done_;
  LoadedPlan plan_;
  std::unique_ptr<PlanInputs> inputs_;
  ResultRing results_;
  DeviceMemory embeddings_;
  Context context_;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_tensorrt_session(const SessionOptions& options) {
  const CudaDevice device = require_device(options);
  return std::make_unique<TensorrtSession>(options, device);
}

int64_t inspect_plan(const SessionOptions& options) {
  const std::vector<std::byte> plan = read_plan(options.path);
  require_plan(*create_runtime(), plan);
  const CudaContext cuda(require_device(options).index);
  return LoadedPlan(plan, options).embedding_dim();
}

}  // namespace llm2clip::tensorrt
