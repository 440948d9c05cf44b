#include "engine/tensorrt/loaded_plan.h"

#include <algorithm>
#include <vector>

#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::tensorrt {
namespace {

using nvinfer1::ICudaEngine;
using nvinfer1::TensorIOMode;

[[noreturn]] void refuse(const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine with " + expected + ", found " + found);
}

Shape shape_of(const ICudaEngine& engine, const std::string& name) {
  const nvinfer1::Dims dims = engine.getTensorShape(name.c_str());
  return {dims.d, dims.d + dims.nbDims};
}

std::string only(const ICudaEngine& engine, TensorIOMode mode, const char* what) {
  std::vector<std::string> names;
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* const name = engine.getIOTensorName(i);
    if (engine.getTensorIOMode(name) == mode) names.emplace_back(name);
  }
  if (names.size() == 1 &&
      engine.getTensorDataType(names[0].c_str()) == nvinfer1::DataType::kFLOAT) {
    return names[0];
  }
  refuse(std::string("one ") + what + ", of float32",
         std::to_string(names.size()) + " or another type");
}

}  // namespace

LoadedPlan::LoadedPlan(std::span<const std::byte> plan, const SessionOptions& options)
    : runtime_(create_runtime()), one_(options.input) {
  engine_.reset(runtime_->deserializeCudaEngine(plan.data(), plan.size()));
  require(engine_.get(), ErrorCode::kEngineIncompatible,
          std::string(kFlavour.name) + " cannot open this engine");
  require_interface(options.max_batch);
}

void LoadedPlan::require_interface(int64_t max_batch) {
  input_ = only(*engine_, TensorIOMode::kINPUT, "input");
  output_ = only(*engine_, TensorIOMode::kOUTPUT, "output");
  const Shape pixels = shape_of(*engine_, input_), embedding = shape_of(*engine_, output_);
  const Shape expected = batch_of(pixels.empty() ? 0 : pixels[0], one_);
  if (pixels != expected) refuse("an input of " + to_string(expected), to_string(pixels));
  if (embedding.size() != 2 || embedding[1] < 1) {
    refuse("an output of [batch, dim]", to_string(embedding));
  }
  const int64_t most =
      engine_->getProfileShape(input_.c_str(), 0, nvinfer1::OptProfileSelector::kMAX).d[0];
  if (most < max_batch) {
    refuse("batches of " + std::to_string(max_batch), "batches of " + std::to_string(most));
  }
  embedding_dim_ = embedding[1];
}

nvinfer1::Dims LoadedPlan::input_shape(int64_t batch) const {
  const Shape shape = batch_of(batch, one_);
  nvinfer1::Dims dims{static_cast<int32_t>(shape.size()), {}};
  std::ranges::copy(shape, dims.d);
  return dims;
}

int64_t LoadedPlan::picture_size() const { return element_count(one_); }

}  // namespace llm2clip::tensorrt
