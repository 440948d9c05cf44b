// A TorchScript file of either flavour on a GPU: weights moved and padded, one CUDA graph a batch
// size, batches staged in pinned memory.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "cuda/batch_sizes.h"
#include "cuda/probe.h"
#include "cuda/result_ring.h"
#include "cuda/staged_batch.h"
#include "cuda/stream_pool.h"
#include "engine/torchscript/cuda/attention_cuda.h"
#include "engine/torchscript/cuda/bucket_graphs.h"
#include "engine/torchscript/cuda/cuda_error.h"
#include "engine/torchscript/cuda/device_check.h"
#include "engine/torchscript/cuda/graph_nodes.h"
#include "engine/torchscript/cuda/graph_rewrites.h"
#include "engine/torchscript/cuda/kept_memory.h"
#include "engine/torchscript/cuda/patch_embedding.h"
#include "engine/torchscript/cuda/patch_intake.h"
#include "engine/torchscript/cuda/texts_cuda_session.h"
#include "engine/torchscript/module_names.h"
#include "engine/torchscript/session/cuda_sessions.h"
#include "engine/torchscript/session/loaded_module.h"
#include "image/preprocess.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;

// Returns the head dimension of the graph's first attention. Without attention, the result does not
// matter.
int64_t head_dim(const jit::Module& module) {
  for (const jit::Node* node : module.get_method("forward").graph()->nodes()) {
    if (!calls(node, "attention")) continue;
    const auto heads = jit::constant_as<int64_t>(node->input(1));
    const jit::Node* linear = node->input(0)->node();
    const auto out = jit::constant_as<int64_t>(linear->input(3));
    if (heads && out) return *out / 3 / *heads;
  }
  return 64;
}

class TorchscriptCudaSession final : public Session {
 public:
  explicit TorchscriptCudaSession(const SessionOptions& options)
      : options_(options),
        index_(cuda_device_index(options.device)),
        context_(std::make_shared<const CudaContext>(index_)),
        staging_{context_, static_cast<size_t>(image())},
        results_(context_) {
    const CudaDevice device = usable_device(index_);
    info_.device = "cuda:" + std::to_string(index_);
    info_.kernels.push_back("GPU: " + describe(device));
    translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot load engine", stream_,
                            [&] { open(device); });
  }

  const SessionInfo& info() const override { return info_; }

  std::unique_ptr<BatchMemory> batch_memory(size_t floats) override { return staged_->add(floats); }

  Embeddings run(const BatchView& batch) override {
    return run_pieces(std::get<Images>(batch),
                      [this](int64_t count) { return graphs_->run(count); });
  }

  // Runs the operators one by one. Graphs are recorded only for embeddings, which are requested all
  // the time.
  Embeddings run_patches(const Images& images, std::optional<int64_t> layer) override {
    if (!info_.gives_patches) return Session::run_patches(images, layer);
    return run_pieces(images, [&](int64_t count) {
      const jit::GraphOptimizerEnabledGuard as_written(false);
      return patches_of(module_, {input_.narrow(0, 0, count)}, layer, count);
    });
  }

 private:
  int64_t image() const { return options_.input.numbers(); }
  int64_t image_size() const { return options_.input.shape.back(); }
  c10::Device torch_device() const { return {c10::kCUDA, static_cast<c10::DeviceIndex>(index_)}; }
  // The address where the graphs read images.
  CudaAddress input_address() const {
    return reinterpret_cast<CudaAddress>(input_.const_data_ptr());
  }

  void open(const CudaDevice& device) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    module_ = jit::load(options_.path, at::kCPU);
    module_.eval();
    input_ = module_.hasattr(kLinearWeights) ? open_native(device) : open_portable();
    info_.gives_patches = module_.find_method(kPatches).has_value();
    staged_.emplace(staging_);
    graphs_.emplace(input_, [this](const Tensor& batch) { return forward(batch); });
    std::string sizes;
    for (const int64_t each : batch_sizes(options_.max_batch)) {
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(each);
    }
    info_.kernels.push_back("CUDA graphs of " + sizes);
  }

  // Zeros [largest, …] at the address where the graphs read images or patches.
  Tensor blank_input(const Shape& one, at::ScalarType type) const {
    return at::zeros(batch_of(options_.max_batch, one),
                     at::TensorOptions(torch_device()).dtype(type));
  }

  Tensor open_native(const CudaDevice& device) {
    const at::ScalarType type = usable_type(module_, device);
    const FusedAttention attention =
        choose_attention(head_dim(module_), type, 10 * device.major + device.minor);
    use_attention(attention);
    move_and_pad_weights(module_, torch_device());
    const bool own_head = fuse_head(module_);
    info_.precision = precision_name(type);
    info_.kernels.emplace_back("linear: cuBLASLt, padded");
    info_.kernels.push_back("attention: " + name(attention) + ", own rotary embedding");
    info_.kernels.emplace_back(own_head ? "norms: own, the last one with the head" : "norms: own");
    const auto patches = patch_embedding_of(module_, image_size());
    if (!patches) return blank_input(options_.input.shape, at::kFloat);
    take_images(patch_intake(patches->type(), patches->grid));
    return blank_input({patches->grid.count(), patches->grid.padded},
                       patches->weight.scalar_type());
  }

  // The first launch of a kernel loads it. This runs each kernel once, so that no request waits for
  // that: for pixels, for an image whose columns are resized first and for one whose rows are.
  void take_images(std::shared_ptr<const ImageIntake> intake) {
    staging_.intake = std::move(intake);
    info_.kernels.emplace_back("preprocessing: on the GPU");
    StagedBatch one(staging_, staging_.image);
    const float* const slot = one.pixels().data();
    const auto receive = [&] {
      one.receive(slot, 1, stream_);
      stream_.synchronize();
    };
    receive();
    const int64_t size = image_size(), width = size + 1, height = 2 * size + 3;
    const std::vector<uint8_t> black(static_cast<size_t>(width * height));
    const Preprocessing how{static_cast<int>(size), {0, 0, 0}, {1, 1, 1}};
    for (const auto& image : {ImageView{black.data(), 1, 1, 1}, {black.data(), width, height, 1}}) {
      one.take(slot, image, how);
      receive();
    }
  }

  // The weights are constants of the graph. They are moved while the file is loaded.
  Tensor open_portable() {
    module_ = jit::load(options_.path, torch_device());
    module_.eval();
    info_.kernels.emplace_back("aten, as the file says");
    return blank_input(options_.input.shape, at::kFloat);
  }

  Tensor forward(const Tensor& batch) {
    const jit::GraphOptimizerEnabledGuard as_written(false);
    return embeddings_of(module_.forward({batch}), batch.size(0));
  }

  // `run_piece` returns [at least count, dim] f32 for the first `count` inputs on the GPU.
  template <typename RunPiece>
  Embeddings run_pieces(const Images& images, const RunPiece& run_piece) {
    return translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot run engine", stream_,
                                   [&] { return run_batch(images, run_piece); });
  }

  template <typename RunPiece>
  Embeddings run_batch(const Images& images, const RunPiece& run_piece) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    const int64_t batch = images.count;
    int64_t dim = 0;
    std::shared_ptr<const ResultRing::Piece> result;
    for (int64_t first = 0; first < batch; first += options_.max_batch) {
      const int64_t count = std::min(options_.max_batch, batch - first);
      staged_->give(images.some(first, count).pixels, static_cast<size_t>(count), input_address(),
                    stream_);
      const Tensor output = run_piece(count);
      dim = output.size(1);
      if (!result) result = results_.next(static_cast<size_t>(batch * dim) * sizeof(float));
      const auto row = static_cast<size_t>(dim) * sizeof(float);
      copy_to_host({result->memory.data() + first * row, count * row},
                   reinterpret_cast<CudaAddress>(output.const_data_ptr()), stream_);
    }
    stream_.record(done_);
    done_.wait();
    return {result->memory.floats(), batch, dim, result};
  }

  SessionOptions options_;
  int index_;
  std::shared_ptr<const CudaContext> context_;
  std::shared_ptr<const CudaStream> lent_ = lend_stream(index_, context_);
  const CudaStream& stream_ = *lent_;
  CudaEvent done_;
  Staging staging_;
  std::optional<StagedBatches> staged_;
  ResultRing results_;
  KeptMemory kept_;  // destroyed after all members below
  jit::Module module_;
  // [largest, 3, S, S] f32, or patches [largest, count, padded] in the weights' type
  Tensor input_;
  std::optional<BucketGraphs> graphs_;
  SessionInfo info_;
};

std::unique_ptr<Session> open_torchscript_cuda_session(const SessionOptions& options) {
  if (options.input.kind != InputKind::kImage) return open_texts_cuda_session(options);
  return std::make_unique<TorchscriptCudaSession>(options);
}

}  // namespace
}  // namespace llm2clip

extern "C" __attribute__((visibility("default")))
const llm2clip::CudaSessions llm2clip_torchscript_cuda_sessions{
    llm2clip::kPluginInterfaceVersion, llm2clip::open_torchscript_cuda_session};
