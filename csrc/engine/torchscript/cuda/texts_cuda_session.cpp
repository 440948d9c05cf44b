#include "engine/torchscript/cuda/texts_cuda_session.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <optional>

#include "cuda/result_ring.h"
#include "cuda/stream_pool.h"
#include "engine/packed_texts.h"
#include "engine/torchscript/cuda/cuda_error.h"
#include "engine/torchscript/cuda/device_check.h"
#include "engine/torchscript/cuda/graph_rewrites.h"
#include "engine/torchscript/cuda/kept_memory.h"
#include "engine/torchscript/cuda/text_attention_cuda.h"
#include "engine/torchscript/cuda/text_graph.h"
#include "engine/torchscript/cuda/text_run.h"
#include "engine/torchscript/module_names.h"
#include "engine/torchscript/session/loaded_module.h"
#include "engine/torchscript/session/module_inputs.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;
using Kind = ModuleInputs::Kind;

// This many tokens keep a large GPU busy. More at once only take more memory: for a model of 8
// billion parameters, these take about 2 GiB in addition to its weights.
constexpr int64_t kTokensAtOnce = 16'384;
constexpr int64_t kShortText = 32;

class TextsCudaSession final : public Session {
 public:
  explicit TextsCudaSession(const SessionOptions& options)
      : index_(cuda_device_index(options.device)),
        context_(std::make_shared<const CudaContext>(index_)),
        results_(context_),
        size_(element_count(options.input)) {
    const CudaDevice device = usable_device(index_);
    info_.device = "cuda:" + std::to_string(index_);
    info_.kernels.push_back("GPU: " + describe(device));
    translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot load engine", stream_,
                            [&] { open(options, device); });
  }

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const float* inputs, int64_t batch) override {
    return translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot run engine", stream_,
                                   [&] { return run_batch({inputs, batch, size_}); });
  }

 private:
  c10::Device torch_device() const { return {c10::kCUDA, static_cast<c10::DeviceIndex>(index_)}; }

  void open(const SessionOptions& options, const CudaDevice& device) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    module_ = jit::load(options.path, at::kCPU);
    module_.hasattr(kLinearWeights) ? open_native(device) : open_portable(options.path);
    module_.eval();
    inputs_.emplace(module_, options.input);
    vocabulary_ = vocabulary(module_);
    warm_up(options.max_batch);
  }

  // Runs the largest possible batch, so that a lack of memory fails the opening, and a short one,
  // which uses other kernels.
  void warm_up(int64_t max_batch) {
    const int64_t longest = inputs_->are_texts() ? size_ - kTextHeader : 1;
    const int64_t count = std::clamp<int64_t>(kTokensAtOnce / longest, 1, max_batch);
    std::vector<float> inputs(static_cast<size_t>(count * size_));
    const auto run_all = [&](int64_t some, int64_t tokens) {
      for (int64_t i = 0; inputs_->are_texts() && i < some; ++i) {
        inputs[i * size_] = inputs[i * size_ + 1] = static_cast<float>(tokens);
      }
      run_batch({inputs.data(), some, size_});
    };
    run_all(count, longest);
    run_all(1, std::min<int64_t>(longest, kShortText));
  }

  void open_native(const CudaDevice& device) {
    const at::ScalarType type = usable_type(module_, device);
    info_.precision = precision_name(type);
    info_.kernels.emplace_back("linear: cuBLAS");
    if (const auto dim = text_head_dim(module_)) {
      const TextAttention attention = choose_text_attention(*dim, type);
      use_text_attention(attention);
      info_.kernels.push_back("attention: " + name(attention) +
                              " over texts of any length, own rotary embedding");
    }
    info_.kernels.emplace_back("norms: own");
    move_and_pad_weights(module_, torch_device());
  }

  // The weights are constants of the graph. They are moved while the file is loaded.
  void open_portable(const std::string& path) {
    module_ = jit::Module();
    module_ = jit::load(path, torch_device());
    info_.kernels.emplace_back("aten, as the file says");
  }

  Embeddings run_batch(const TextSlots& all) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    const jit::GraphOptimizerEnabledGuard as_written(false);
    if (inputs_->are_texts()) check_ids(all, vocabulary_);
    begin_sending(all);
    int64_t dim = 0;
    std::shared_ptr<const ResultRing::Piece> result;
    for (int64_t first = 0, count = 0; first < all.count; first += count) {
      const float* const next = all.first + first * size_;
      count = inputs_->at_once(next, all.count - first, kTokensAtOnce);
      const Tensor output = embeddings_of(forward({next, count, size_}), count);
      dim = output.size(1);
      if (!result) result = results_.next(static_cast<size_t>(all.count * dim) * sizeof(float));
      const auto row = static_cast<size_t>(dim) * sizeof(float);
      copy_to_host({result->memory.data() + first * row, count * row},
                   reinterpret_cast<CudaAddress>(output.const_data_ptr()), stream_);
    }
    stream_.record(done_);
    done_.wait();
    return {result->memory.floats(), all.count, dim, result};
  }

  c10::IValue forward(const TextSlots& some) {
    switch (inputs_->kind()) {
      case Kind::kTexts: return forward_texts(some);
      case Kind::kPaddedTexts: return forward_padded(some);
      case Kind::kTensor: return module_.forward({features(some)});
    }
    return {};
  }

  c10::IValue forward_texts(const TextSlots& some) {
    const PackedTexts size = packed_size(some);
    const auto packed = room(size.numbers());
    pack_texts(some, packed);
    TextInputs inputs = text_inputs(send(packed), size);
    const RunningTexts running(std::move(inputs.run));
    return module_.forward(std::move(inputs.arguments));
  }

  c10::IValue forward_padded(const TextSlots& some) {
    std::vector<c10::IValue> rows = inputs_->of(some.first, some.count);
    for (c10::IValue& each : rows) each = each.toTensor().to(torch_device());
    return module_.forward(std::move(rows));
  }

  Tensor features(const TextSlots& some) {
    const auto sent = room(some.count * size_);
    std::copy_n(some.first, sent.size(), reinterpret_cast<float*>(sent.data()));
    return send(sent).view(at::kFloat).view({some.count, size_});
  }

  // Makes room for everything that a run sends, so that no part is overwritten while it is being
  // sent.
  void begin_sending(const TextSlots& all) {
    // Each part has one more offset than texts.
    const int64_t numbers =
        inputs_->are_texts() ? packed_size(all).numbers() + all.count : all.count * size_;
    const auto bytes = static_cast<size_t>(numbers) * sizeof(int32_t);
    if (bytes > pinned_.bytes()) pinned_ = PinnedMemory(bytes);
    used_ = 0;
  }

  std::span<int32_t> room(int64_t count) {
    auto* const numbers = reinterpret_cast<int32_t*>(pinned_.data()) + used_;
    used_ += count;
    return {numbers, static_cast<size_t>(count)};
  }

  Tensor send(std::span<const int32_t> numbers) const {
    const Tensor sent = at::empty({static_cast<int64_t>(numbers.size())},
                                  at::TensorOptions(torch_device()).dtype(at::kInt));
    copy_to_device(reinterpret_cast<CudaAddress>(sent.mutable_data_ptr()), std::as_bytes(numbers),
                   stream_);
    return sent;
  }

  int index_;
  std::shared_ptr<const CudaContext> context_;
  std::shared_ptr<const CudaStream> lent_ = lend_stream(index_, context_);
  const CudaStream& stream_ = *lent_;
  // A language model takes long, so waiting leaves the core to other threads.
  CudaEvent done_{CudaEvent::Wait::kSleep};
  ResultRing results_;
  PinnedMemory pinned_;  // inputs that are being sent
  int64_t used_ = 0;     // numbers of 4 bytes in use
  KeptMemory kept_;      // destroyed after all members below
  jit::Module module_;
  int64_t size_;  // of one input, in floats
  std::optional<ModuleInputs> inputs_;
  int64_t vocabulary_ = 0;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_texts_cuda_session(const SessionOptions& options) {
  return std::make_unique<TextsCudaSession>(options);
}

}  // namespace llm2clip
