// Measures for each linear layer the effect of int8, and finds the smoothing that helps most:
// SmoothQuant (Xiao et al., arXiv 2211.10438), with a strength per layer that is chosen by the
// outputs for recorded tokens.
#include "engine/torchscript/tools/torchscript_tools.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include "base/threads.h"
#include "engine/torchscript/operators/observation.h"
#include "engine/torchscript/operators/quantised_weight.h"
#include "engine/torchscript/session/module_inputs.h"
#include "engine/torchscript/tools/observed_module.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

namespace jit = torch::jit;
using at::Tensor;

// A smoothing must reduce the error by this fraction to be worth its multiplication.
constexpr double kLeastGain = 0.1;

double cosine(const Tensor& a, const Tensor& b) {
  return (a * b).sum(at::kDouble).item<double>() /
         std::sqrt((a * a).sum(at::kDouble).item<double>() *
                   (b * b).sum(at::kDouble).item<double>());
}

double cosine_in_int8(const Tensor& x, const Tensor& weight, const Tensor& expected) {
  return cosine(at::linear(rounded_by_row(x), rounded_by_row(weight)), expected);
}

LayerCalibration calibrate_layer(const std::string& name, const Tensor& observation,
                                 const Tensor& weight) {
  const Tensor x = samples(observation);
  const Tensor expected = at::linear(x, weight);
  LayerCalibration best{name, cosine_in_int8(x, weight, expected), {}};
  const Tensor inputs = channel_maxima(observation).clamp_min(1e-5);
  const Tensor weights = weight.abs().amax(0).clamp_min(1e-5);
  for (const double strength : {0.25, 0.5, 0.75}) {
    const Tensor smoothing = inputs.pow(strength) / weights.pow(1 - strength);
    const double found = cosine_in_int8(x / smoothing, weight * smoothing, expected);
    if (1 - found < (1 - best.cosine) * (1 - kLeastGain)) {
      const float* begin = smoothing.const_data_ptr<float>();
      best = {name, found, std::vector<float>(begin, begin + smoothing.numel())};
    }
  }
  return best;
}

Calibration calibrate(const SessionOptions& options, const Images& images) {
  at::set_num_threads(options.threads);
  const c10::InferenceMode guard;
  const jit::GraphOptimizerEnabledGuard as_written(false);
  jit::Module module = load_observed_module(options.path);
  Calibration result;
  const ModuleInputs inputs(module, options.input);
  for (int64_t i = 0; i < images.count; ++i) {
    const Tensor embedding = module.forward(inputs.of(images.some(i, 1))).toTensor().contiguous();
    const float* begin = embedding.const_data_ptr<float>();
    result.embeddings.insert(result.embeddings.end(), begin, begin + embedding.numel());
  }
  for (const ObservedLinear& linear : observed_linears(module)) {
    const Tensor weight = module.attr(linear.weight).toTensor();
    const Tensor observation = module.attr(linear.observation).toTensor();
    result.layers.push_back(calibrate_layer(linear.name, observation, weight));
  }
  return result;
}

}  // namespace

Calibration torchscript_calibrate(const SessionOptions& options, const Images& images) {
  // Runs on a thread of its own, because the number of threads stays set for the calling thread.
  return on_own_thread([&] {
    return translating_torch_errors(ErrorCode::kEngineIncompatible, "cannot calibrate",
                                    [&] { return calibrate(options, images); });
  });
}

}  // namespace llm2clip
