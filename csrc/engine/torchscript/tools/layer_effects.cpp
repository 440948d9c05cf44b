// Measures the effect of int8 on the embeddings, one linear layer at a time: the fp32 engine runs
// once more for each layer, with the weight and input of only that layer rounded.
#include "engine/torchscript/tools/torchscript_tools.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include <algorithm>

#include "base/threads.h"
#include "engine/torchscript/operators/quantised_weight.h"
#include "engine/torchscript/session/module_inputs.h"
#include "engine/torchscript/tools/observed_module.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;

// Returns NaN if any number is NaN.
double least_cosine(const Tensor& found, const Tensor& expected) {
  return at::cosine_similarity(found.to(at::kDouble), expected.to(at::kDouble))
      .min()
      .item<double>();
}

ObservedLinear find_linear(const std::vector<ObservedLinear>& linears, const std::string& name) {
  const auto found = std::ranges::find(linears, name, &ObservedLinear::name);
  TORCH_CHECK(found != linears.end(), "expected an engine that observes ", name,
              ", found no such layer");
  return *found;
}

// Returns the embeddings with one layer in int8. Afterwards the module is unchanged.
Tensor embed_in_int8(jit::Module& module, const std::vector<c10::IValue>& inputs,
                     const ObservedLinear& linear, const std::vector<float>& smoothing) {
  const Tensor weight = module.attr(linear.weight).toTensor();
  const Tensor observation = module.attr(linear.observation).toTensor();
  const Tensor divisor = smoothing.empty() ? at::ones({weight.size(1)}, at::kFloat)
                                           : at::tensor(smoothing, at::kFloat);
  module.setattr(linear.weight, rounded_by_row(weight * divisor).div_(divisor));
  module.setattr(linear.observation, divisor);
  const Tensor embeddings = module.forward(inputs).toTensor();
  module.setattr(linear.weight, weight);
  module.setattr(linear.observation, observation);
  return embeddings;
}

std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                  const std::vector<LayerSmoothing>& layers) {
  at::set_num_threads(options.threads);
  const c10::InferenceMode guard;
  const jit::GraphOptimizerEnabledGuard as_written(false);
  jit::Module module = load_observed_module(options.path);
  const auto linears = observed_linears(module);

  const auto inputs = ModuleInputs(module, options.input).of(images);
  const Tensor expected = module.forward(inputs).toTensor();
  std::vector<double> effects;
  for (const auto& [name, smoothing] : layers) {
    const ObservedLinear linear = find_linear(linears, name);
    effects.push_back(least_cosine(embed_in_int8(module, inputs, linear, smoothing), expected));
  }
  return effects;
}

}  // namespace

std::vector<double> torchscript_layer_effects(const SessionOptions& options, const Images& images,
                                              const std::vector<LayerSmoothing>& layers) {
  // Runs on a thread of its own, because the number of threads stays set for the calling thread.
  return on_own_thread([&] {
    return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot tell what int8 does",
                                    [&] { return layer_effects(options, images, layers); });
  });
}

}  // namespace llm2clip
