// Measures the effect of int8 on the linear layers of an fp32 engine file that observes them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/error.h"
#include "engine/cpu/open_file.h"
#include "engine/cpu/tools/cpu_tools.h"
#include "ops/int8_calibration.h"

namespace llm2clip::cpu {
namespace {

[[noreturn]] void refuse_plan() {
  throw Error(ErrorCode::kEngineIncompatible, "expected an fp32 engine that was built to observe");
}

// The linear layer that reads what the observing step before it copied.
const LinearStep& observed_linear(const ObserveStep& observe, const Step& next) {
  const auto* const linear = std::get_if<LinearStep>(&next);
  if (linear == nullptr || linear->x.place != observe.out.place) refuse_plan();
  return *linear;
}

// The weights of the observed linear layers, in the order of the network.
std::vector<TensorId> observed_linears(const Plan& plan) {
  if (plan.precision != Precision::kFp32) refuse_plan();
  std::vector<TensorId> linears;
  const std::vector<Step>& steps = plan.embedding.steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    const auto* const observe = std::get_if<ObserveStep>(&steps[i]);
    if (observe == nullptr) continue;
    if (i + 1 == steps.size()) refuse_plan();
    linears.push_back(observed_linear(*observe, steps[i + 1]).weight);
  }
  if (linears.empty()) refuse_plan();
  return linears;
}

// A weight as rows [out, in], from its panels.
std::vector<float> rows_of(const DataFile& file, TensorId id) {
  const Shape& shape = file.plan().at(id).shape;
  const auto* panels = reinterpret_cast<const float*>(file.tensor(id));
  std::vector<float> rows;
  rows.reserve(static_cast<size_t>(element_count(shape)));
  for (int64_t out = 0; out < shape[0]; ++out) {
    const float* column =
        panels + out / kTileColumns * kTileColumns * shape[1] + out % kTileColumns;
    for (int64_t i = 0; i < shape[1]; ++i) rows.push_back(column[i * kTileColumns]);
  }
  return rows;
}

std::vector<float> copy_of(ConstMatrix x) {
  const auto* numbers = x.as<float>();
  return {numbers, numbers + x.rows * x.width};
}

std::span<float> span_of(Matrix x) {
  return {x.as<float>(), static_cast<size_t>(x.rows * x.width)};
}

// The lowest cosine of two rows with the same index. Returns NaN if any number is NaN.
double least_cosine(const std::vector<float>& found, const std::vector<float>& expected,
                    int64_t width) {
  double least = 1;
  for (size_t begin = 0; begin < found.size(); begin += static_cast<size_t>(width)) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = begin; i < begin + static_cast<size_t>(width); ++i) {
      ab += static_cast<double>(found[i]) * expected[i];
      aa += static_cast<double>(found[i]) * found[i];
      bb += static_cast<double>(expected[i]) * expected[i];
    }
    const double cosine = ab / std::sqrt(aa * bb);
    if (std::isnan(cosine)) return cosine;
    least = std::min(least, cosine);
  }
  return least;
}

// Memory for a weight in panels.
class Panels {
 public:
  const std::byte* of(const std::vector<float>& rows, const Shape& shape) {
    const int64_t panels = linear_panels(shape[0]);
    std::byte* const to =
        memory_.of(static_cast<size_t>(panels * panel_bytes(WeightType::kF32, shape[1])));
    pack_panels(WeightType::kF32, rows.data(), to, shape[0], shape[1], 0, panels);
    return to;
  }

 private:
  Scratch memory_;
};

size_t place_of(const Plan& plan, const std::vector<TensorId>& linears, const std::string& name) {
  for (size_t i = 0; i < linears.size(); ++i) {
    if (plan.at(linears[i]).name == name) return i;
  }
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine that observes " + name + ", found no such layer");
}

// What the inputs of a layer are divided by: its smoothing, or ones.
std::vector<float> divisor_of(const LayerSmoothing& layer, int64_t in) {
  const auto width = static_cast<size_t>(in);
  if (layer.smoothing.empty()) return std::vector<float>(width, 1.0F);
  if (layer.smoothing.size() == width) return layer.smoothing;
  throw Error(ErrorCode::kInvalidArg, "expected a smoothing of " + std::to_string(in) +
                                          " numbers for " + layer.name + ", found " +
                                          std::to_string(layer.smoothing.size()));
}

}  // namespace

Calibration calibrate(const SessionOptions& options, const Images& images) {
  OpenFile open(options);
  const Plan& plan = open.file.plan();
  const std::vector<TensorId> linears = observed_linears(plan);
  std::vector<std::vector<float>> observations(linears.size());
  open.runner.set_observer([&](size_t linear, Matrix x) {
    auto& observation = observations.at(linear);
    observation.resize(static_cast<size_t>(observation_size(x.width)));
    record_input(observation, span_of(x), x.width);
  });
  Calibration result;
  for (int64_t i = 0; i < images.count; ++i) {
    const auto embedding = copy_of(open.runner.embed(images.some(i, 1)));
    result.embeddings.insert(result.embeddings.end(), embedding.begin(), embedding.end());
  }
  for (size_t i = 0; i < linears.size(); ++i) {
    const PlanTensor& weight = plan.at(linears[i]);
    const Int8Effect effect =
        int8_effect(open.team, observations[i], rows_of(open.file, linears[i]), weight.shape[1]);
    result.layers.push_back({weight.name, effect.cosine, effect.smoothing});
  }
  open.file.require_intact();
  return result;
}

std::vector<double> layer_effects(const SessionOptions& options, const Images& images,
                                  const std::vector<LayerSmoothing>& layers) {
  OpenFile open(options);
  const Plan& plan = open.file.plan();
  const std::vector<TensorId> linears = observed_linears(plan);
  const std::vector<float> expected = copy_of(open.runner.embed(images));
  const auto dim = static_cast<int64_t>(expected.size()) / images.count;
  std::vector<double> effects;
  Panels panels;
  for (const LayerSmoothing& layer : layers) {
    const size_t place = place_of(plan, linears, layer.name);
    const Shape& shape = plan.at(linears[place]).shape;
    const std::vector<float> divisor = divisor_of(layer, shape[1]);
    std::vector<float> weight = rows_of(open.file, linears[place]);
    round_weight_as_int8(weight, divisor);
    open.runner.replace_weight(linears[place], panels.of(weight, shape));
    open.runner.set_observer([&](size_t linear, Matrix x) {
      if (linear == place) round_input_as_int8(span_of(x), divisor);
    });
    effects.push_back(least_cosine(copy_of(open.runner.embed(images)), expected, dim));
  }
  open.file.require_intact();
  return effects;
}

}  // namespace llm2clip::cpu
