#include "engine/torchscript/cuda/texts_cuda_session.h"

#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <optional>

#include "batch/packed_texts.h"
#include "batch/text_list.h"
#include "cuda/result_ring.h"
#include "cuda/stream_pool.h"
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
        input_(options.input) {
    const CudaDevice device = usable_device(index_);
    info_.device = "cuda:" + std::to_string(index_);
    info_.kernels.push_back("GPU: " + describe(device));
    translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot load engine", stream_,
                            [&] { open(options, device); });
  }

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const BatchView& batch) override {
    return translating_cuda_errors(ErrorCode::kEngineIncompatible, "cannot run engine", stream_,
                                   [&] { return run_batch(batch); });
  }

 private:
  c10::Device torch_device() const { return {c10::kCUDA, static_cast<c10::DeviceIndex>(index_)}; }

  void open(const SessionOptions& options, const CudaDevice& device) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    module_ = jit::load(options.path, at::kCPU);
    module_.hasattr(kLinearWeights) ? open_native(device) : open_portable(options.path);
    module_.eval();
    inputs_.emplace(module_, input_);
    vocabulary_ = vocabulary(module_);
    warm_up(options.max_batch);
  }

  // Runs the largest possible batch, so that a lack of memory fails the opening, and a short one,
  // which uses other kernels.
  void warm_up(int64_t max_batch) {
    if (!inputs_->are_texts()) {
      run_blank_features(std::clamp<int64_t>(kTokensAtOnce, 1, max_batch));
      return run_blank_features(1);
    }
    const int64_t longest = input_.most_tokens();
    run_blank_texts(std::clamp<int64_t>(kTokensAtOnce / longest, 1, max_batch), longest);
    run_blank_texts(1, std::min<int64_t>(longest, kShortText));
  }

  void run_blank_features(int64_t count) {
    const std::vector<float> numbers(static_cast<size_t>(count * input_.numbers()));
    run_batch(Features{numbers.data(), count, input_.numbers()});
  }

  void run_blank_texts(int64_t count, int64_t tokens) {
    const std::vector<int32_t> ids(static_cast<size_t>(tokens));
    TextList texts;
    for (int64_t i = 0; i < count; ++i) texts.add(ids, tokens);
    run_batch(texts.view());
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

  Embeddings run_batch(const BatchView& batch) {
    const c10::InferenceMode guard;
    const c10::cuda::CUDAStreamGuard on_stream(torch_stream(stream_, index_));
    const jit::GraphOptimizerEnabledGuard as_written(false);
    if (inputs_->are_texts()) check_ids(std::get<Texts>(batch), vocabulary_);
    begin_sending(batch);
    const int64_t all = count_of(batch);
    int64_t dim = 0;
    std::shared_ptr<const ResultRing::Piece> result;
    for (int64_t first = 0, count = 0; first < all; first += count) {
      count = inputs_->at_once(some_of(batch, first, all - first), kTokensAtOnce);
      const Tensor output = embeddings_of(forward(some_of(batch, first, count)), count);
      dim = output.size(1);
      if (!result) result = results_.next(static_cast<size_t>(all * dim) * sizeof(float));
      const auto row = static_cast<size_t>(dim) * sizeof(float);
      copy_to_host({result->memory.data() + first * row, count * row},
                   reinterpret_cast<CudaAddress>(output.const_data_ptr()), stream_);
    }
    stream_.record(done_);
    done_.wait();
    return {result->memory.floats(), all, dim, result};
  }

  c10::IValue forward(const BatchView& some) {
    switch (inputs_->kind()) {
      case Kind::kTexts: return forward_texts(std::get<Texts>(some));
      case Kind::kPaddedTexts: return forward_padded(std::get<Texts>(some));
      case Kind::kTensor: return module_.forward({features(std::get<Features>(some))});
    }
    return {};
  }

  c10::IValue forward_texts(const Texts& some) {
    const PackedTexts size = packed_size(some);
    const auto packed = room(size.numbers());
    pack_texts(some, packed);
    TextInputs inputs = text_inputs(send(packed), size);
    const RunningTexts running(std::move(inputs.run));
    return module_.forward(std::move(inputs.arguments));
  }

  c10::IValue forward_padded(const Texts& some) {
    std::vector<c10::IValue> rows = inputs_->of(some);
    for (c10::IValue& each : rows) each = each.toTensor().to(torch_device());
    return module_.forward(std::move(rows));
  }

  Tensor features(const Features& some) {
    const auto numbers = room(some.count * some.size);
    std::copy_n(some.numbers, numbers.size(), reinterpret_cast<float*>(numbers.data()));
    return send(numbers).view(at::kFloat).view({some.count, some.size});
  }

  // Makes room for everything that a run sends, so that no part is overwritten while it is being
  // sent.
  void begin_sending(const BatchView& batch) {
    const auto* const texts = std::get_if<Texts>(&batch);
    // Each part has one more offset than texts.
    const int64_t numbers = texts != nullptr ? packed_size(*texts).numbers() + texts->count()
                                             : count_of(batch) * input_.numbers();
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
  Input input_;
  std::optional<ModuleInputs> inputs_;
  int64_t vocabulary_ = 0;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_texts_cuda_session(const SessionOptions& options) {
  return std::make_unique<TextsCudaSession>(options);
}

}  // namespace llm2clip
