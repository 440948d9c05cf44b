#include "engine/tensorrt/tensorrt_session.h"

#include <algorithm>
#include <string>

#include "base/file.h"
#include "base/output_file.h"
#include "cuda/batch_sizes.h"
#include "cuda/result_ring.h"
#include "cuda/staged_batch.h"
#include "engine/tensorrt/device.h"
#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/loaded_plan.h"
#include "engine/tensorrt/log.h"
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
        buckets_(batch_sizes(options.max_batch)),
        staged_(cuda_, static_cast<size_t>(plan_.picture_size())),
        results_(cuda_),
        pixels_(bytes(options.max_batch * plan_.picture_size())),
        embeddings_(bytes(options.max_batch * plan_.embedding_dim())),
        context_(plan_.engine(), read_cache(options.cache)) {
    info_.device = "cuda:" + std::to_string(device.index);
    info_.kernels = {std::string(kFlavour.name) + " " + library_version() + " on " + device.name};
    warm_up();
    if (!options.cache.empty()) write_cache(options.cache, context_.bytes());
  }

  const SessionInfo& info() const override { return info_; }

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override { return staged_.add(floats); }

  Embeddings run(const float* pixels, int64_t batch) override {
    const size_t size = bytes(batch * plan_.embedding_dim());
    const auto result = results_.next(size);
    // At an address that a recorded launch may keep.
    staged_.give(pixels, static_cast<size_t>(batch), pixels_.address(), stream_);
    enqueue(*std::lower_bound(buckets_.begin(), buckets_.end(), batch));
    copy_to_host({result->memory.data(), size}, embeddings_.address(), stream_);
    stream_.record(done_);
    done_.wait();
    return {result->memory.floats(), batch, plan_.embedding_dim(), result};
  }

 private:
  static size_t bytes(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }

  // Compiles what each size needs, or takes it from the cache: no request waits for that.
  void warm_up() {
    for (const int64_t size : buckets_) enqueue(size);
    stream_.synchronize();
  }

  // What lies past the batch in a bucket is of an earlier one, and its result is not looked at.
  void enqueue(int64_t bucket) {
    Log::get().clear();
    nvinfer1::IExecutionContext& context = context_.get();
    const bool begun = context.setInputShape(plan_.input(), plan_.input_shape(bucket)) &&
                       context.setTensorAddress(plan_.input(), pixels_.data()) &&
                       context.setTensorAddress(plan_.output(), embeddings_.data()) &&
                       context.enqueueV3(stream_.handle());
    if (begun) return;
    stream_.synchronize();  // throws where it is the device that failed
    Log::get().fail(ErrorCode::kInternal, "cannot run a batch of " + std::to_string(bucket));
  }

  std::shared_ptr<const CudaContext> cuda_;  // goes last
  CudaStream stream_;
  CudaEvent done_;
  LoadedPlan plan_;
  std::vector<int64_t> buckets_;  // sizes that batches are run in, as kernels are chosen for each
  StagedBatches staged_;
  ResultRing results_;
  DeviceMemory pixels_, embeddings_;
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
