#include "engine/torchscript/tools/observed_module.h"

#include <torch/csrc/jit/serialization/import.h>

#include "engine/torchscript/module_names.h"
#include "engine/torchscript/operators/observation.h"

namespace llm2clip {

torch::jit::Module load_observed_module(const std::string& path) {
  torch::jit::Module module = torch::jit::load(path, at::kCPU);
  const bool observes = module.hasattr(kObserved) && !module.attr(kObserved).toListRef().empty();
  TORCH_CHECK(observes, "expected an engine that was built to observe");
  return module;
}

std::vector<ObservedLinear> observed_linears(const torch::jit::Module& module) {
  const auto& observed = module.attr(kObserved).toListRef();
  const auto& weights = module.attr(kLinearWeights).toListRef();
  // The patch embedding's weight comes first and is not observed.
  const size_t unobserved = weights.size() - observed.size();
  std::vector<ObservedLinear> linears;
  for (size_t i = 0; i < observed.size(); ++i) {
    linears.push_back(
        {observed[i].toStringRef(), weights[unobserved + i].toStringRef(), observation_name(i)});
  }
  return linears;
}

}  // namespace llm2clip
