#include "engine/torchscript/torchscript_session.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include "base/cpu_features.h"
#include "engine/torchscript/attention_operator.h"
#include "engine/torchscript/compute_type.h"
#include "engine/torchscript/linear_operator.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;

constexpr const char* kLinearWeights = "linear_weights";  // only the native flavour has it

std::string precision_name(at::ScalarType type) {
  switch (type) {
    case at::kBFloat16: return "bf16";
    case at::kHalf: return "fp16";
    default: return "fp32";
  }
}

// Parameter by parameter, each old one freed at once: the peak is the file plus one weight.
void prepack(jit::Module& module, at::ScalarType type) {
  for (const auto& parameter : module.named_parameters(false)) {
    module.setattr(parameter.name, parameter.value.to(type));
  }
  for (const c10::IValue& name : module.attr(kLinearWeights).toListRef()) {
    const std::string& attribute = name.toStringRef();
    module.setattr(attribute, prepack_linear_weight(module.attr(attribute).toTensor()));
  }
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
      : image_size_(options.image_size), module_(load(options.path)) {
    info_.device = "cpu";
    c10::InferenceMode guard;
    if (module_.hasattr(kLinearWeights)) {
      open_native();
    } else {
      open_portable();
    }
  }

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const float* pixels, int64_t batch) override {
    return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot run engine", [&] {
      c10::InferenceMode guard;
      // The graph is run as it was written: nothing in it is left to optimise, and profiling runs
      // would make the first requests slow.
      jit::GraphOptimizerEnabledGuard as_written(false);
      // Only read: from_blob takes no const.
      const at::Tensor input = at::from_blob(const_cast<float*>(pixels),  // NOLINT
                                             {batch, 3, image_size_, image_size_}, at::kFloat);
      const auto output =
          std::make_shared<const at::Tensor>(checked(module_.forward({input}), batch));
      return Embeddings{output->const_data_ptr<float>(), batch, output->size(1), output};
    });
  }

 private:
  void open_native() {
    at::ScalarType stored = at::kFloat;
    for (const auto& parameter : module_.named_parameters(false)) {
      stored = parameter.value.scalar_type();
      break;
    }
    const at::ScalarType type = compute_type(stored);
    translating_torch_errors(ErrorCode::kInternal, "cannot prepack weights",
                             [&] { prepack(module_, type); });
    info_.precision = precision_name(type);
    info_.kernels = {"linear: " + linear_kernel(type), "attention: " + attention_kernel(type),
                     "gated norm: own"};
  }

  void open_portable() { info_.kernels = {"aten, as the file says"}; }

  static at::Tensor checked(const c10::IValue& result, int64_t batch) {
    if (!result.isTensor() || result.toTensor().dim() != 2 || result.toTensor().size(0) != batch) {
      throw Error(ErrorCode::kEngineIncompatible,
                  "expected the engine to give one tensor [batch, dim], found " +
                      (result.isTensor() ? c10::str(result.toTensor().sizes()) : result.tagKind()));
    }
    return result.toTensor().to(at::kFloat).contiguous();
  }

  int64_t image_size_;
  jit::Module module_;
  SessionInfo info_;
};

}  // namespace

std::unique_ptr<Session> open_torchscript_session(const SessionOptions& options) {
  if (options.device != "cpu") {
    throw Error(ErrorCode::kDeviceUnavailable,
                "expected device cpu, the only one of this build, found " + options.device);
  }
  // Holds for the calling thread alone, which is the one that runs the session.
  at::set_num_threads(options.threads);
  return std::make_unique<TorchscriptSession>(options);
}

}  // namespace llm2clip
