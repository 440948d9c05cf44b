#include "engine/torchscript/session/torchscript_session.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <malloc.h>

#include <algorithm>
#include <limits>
#include <set>

#include "batch/token_split.h"
#include "engine/torchscript/compute_type.h"
#include "engine/torchscript/module_names.h"
#include "engine/torchscript/operators/attention_operator.h"
#include "engine/torchscript/operators/int8_linear_operator.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/operators/panels.h"
#include "engine/torchscript/session/cuda_sessions.h"
#include "engine/torchscript/session/loaded_module.h"
#include "engine/torchscript/session/module_inputs.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

// Reads a list of names, which older files may lack.
std::vector<std::string> names(const jit::Module& module, const char* list) {
  std::vector<std::string> result;
  if (!module.hasattr(list)) return result;
  for (const c10::IValue& name : module.attr(list).toListRef()) {
    result.push_back(name.toStringRef());
  }
  return result;
}

// Repacks weight by weight and frees each old one immediately, so that the peak is the file plus
// one weight.
void prepack(jit::Module& module, at::ScalarType type) {
  const auto linears = names(module, kLinearWeights), int8_linears = names(module, kInt8Weights);
  std::set<std::string> left(linears.begin(), linears.end());
  for (const std::string& name : names(module, kTables)) left.insert(name);
  for (const auto& parameter : module.named_parameters(false)) {
    if (!is_half(parameter.value) || left.contains(parameter.name)) continue;
    module.setattr(parameter.name, parameter.value.to(type));
  }
  for (const std::string& name : linears) {
    const at::Tensor weight = module.attr(name).toTensor();
    const at::Tensor matrix = weight.dim() == 4 ? weight.flatten(1) : weight;  // of patches
    module.setattr(name, operators::prepack_linear_weight(matrix, type));
  }
  for (const std::string& name : int8_linears) {
    module.setattr(name, operators::prepack_int8_weight(module.attr(name).toTensor(),
                                                        module.attr(name + "_scales").toTensor()));
  }
}

// Returns freed memory to the system. glibc's allocator would keep gigabytes of old weights.
void give_memory_back() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

jit::Module load(const std::string& path) {
  return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot load engine", [&] {
    jit::Module module = jit::load(path, at::kCPU);
    module.eval();
    return module;
  });
}

class TorchscriptSession final : public Session {
 public:
  explicit TorchscriptSession(const SessionOptions& options)
      : module_(load(options.path)), inputs_(inputs_of(module_, options.input)) {
    info_.device = "cpu";
    info_.gives_patches = module_.find_method(kPatches).has_value();
    c10::InferenceMode guard;
    if (module_.hasattr(kLinearWeights)) {
      open_native();
    } else {
      open_portable(options.input);
    }
  }

  ~TorchscriptSession() override {
    module_ = jit::Module();
    give_memory_back();
  }

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const BatchView& batch) override {
    return run_parts(batch, [this](std::vector<c10::IValue> part, int64_t count) {
      return embeddings_of(module_.forward(std::move(part)), count);
    });
  }

  Embeddings run_patches(const Images& images, std::optional<int64_t> layer) override {
    if (!info_.gives_patches) return Session::run_patches(images, layer);
    return run_parts(images, [&](std::vector<c10::IValue> part, int64_t count) {
      return patches_of(module_, std::move(part), layer, count);
    });
  }

 private:
  // `run_part` returns [count, dim] for `count` inputs.
  template <typename RunPart>
  Embeddings run_parts(const BatchView& batch, const RunPart& run_part) {
    return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot run engine", [&] {
      c10::InferenceMode guard;
      // Runs the graph as it was written. Nothing in it is left to optimise, and profiling runs
      // would make the first requests slow.
      jit::GraphOptimizerEnabledGuard as_written(false);
      std::vector<at::Tensor> parts;
      const int64_t all = count_of(batch);
      for (int64_t first = 0, count = 0; first < all; first += count) {
        count = inputs_.at_once(some_of(batch, first, all - first), tokens_at_once_);
        parts.push_back(run_part(inputs_.of(some_of(batch, first, count)), count));
      }
      const auto output =
          std::make_shared<const at::Tensor>(parts.size() == 1 ? parts.front() : at::cat(parts));
      return Embeddings{output->const_data_ptr<float>(), all, output->size(1), output};
    });
  }

  void open_native() {
    const at::ScalarType stored = stored_type(module_), type = compute_type(stored);
    const bool in_int8 = !names(module_, kInt8Weights).empty();
    translating_torch_errors(ErrorCode::kInternal, "cannot prepack weights",
                             [&] { prepack(module_, type); });
    give_memory_back();
    const bool in_int16 = runs_in_int16(operators::weight_type(stored));
    info_.precision = in_int8 && runs_in_int8() ? "int8"
                      : in_int16                ? "int16"
                                                : precision_name(type);
    if (in_int8) info_.kernels.push_back("linear in int8: " + operators::int8_linear_kernel());
    if (!names(module_, kLinearWeights).empty()) {
      info_.kernels.push_back("linear: " + operators::linear_kernel(stored, type));
    }
    info_.kernels.push_back("attention: " +
                            operators::attention_kernel(type, stored != at::kFloat));
    info_.kernels.emplace_back("norms: own");
    tokens_at_once_ = kTokensPerThread * at::get_num_threads();
  }

  // The limit for a batch of texts does not count padding, but here each short text becomes a row
  // as long as the longest one. So the number of tokens per run is limited.
  void open_portable(const Input& input) {
    info_.kernels = {"aten, as the file says"};
    if (!inputs_.are_texts()) return;
    tokens_at_once_ = std::max(input.most_tokens(), kTokensPerThread * at::get_num_threads());
  }

  static ModuleInputs inputs_of(const jit::Module& module, const Input& input) {
    return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot load engine",
                                    [&] { return ModuleInputs(module, input); });
  }

  jit::Module module_;
  ModuleInputs inputs_;
  int64_t tokens_at_once_ = std::numeric_limits<int64_t>::max();
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options) {
  if (options.device != "cpu") return open_cuda_session(options);
  // This affects only the calling thread, which runs the session.
  at::set_num_threads(options.threads);
  return std::make_unique<TorchscriptSession>(options);
}

}  // namespace llm2clip
