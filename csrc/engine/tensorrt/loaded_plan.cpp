#include "engine/tensorrt/loaded_plan.h"

#include <algorithm>
#include <vector>

#include "engine/tensorrt/dims.h"
#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"
#include "engine/tensorrt/texts.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::tensorrt {
namespace {

using nvinfer1::DataType;
using nvinfer1::ICudaEngine;
using nvinfer1::TensorIOMode;

[[noreturn]] void refuse(const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::kEngineIncompatible,
              "expected an engine with " + expected + ", found " + found);
}

Shape tensor_shape(const ICudaEngine& engine, const std::string& name) {
  return shape_of(engine.getTensorShape(name.c_str()));
}

std::vector<std::string> names(const ICudaEngine& engine, TensorIOMode mode) {
  std::vector<std::string> found;
  for (int32_t i = 0; i < engine.getNbIOTensors(); ++i) {
    const char* const name = engine.getIOTensorName(i);
    if (engine.getTensorIOMode(name) == mode) found.emplace_back(name);
  }
  return found;
}

void require_one(const ICudaEngine& engine, const std::vector<std::string>& names,
                 const std::string& what) {
  if (names.size() == 1 && engine.getTensorDataType(names[0].c_str()) == DataType::kFLOAT) return;
  refuse("one " + what + ", of float32", std::to_string(names.size()) + " or another type");
}

// The largest shape that the plan's kernels were built for.
Shape most(const ICudaEngine& engine, const std::string& input) {
  return shape_of(engine.getProfileShape(input.c_str(), 0, nvinfer1::OptProfileSelector::kMAX));
}

void require_room(const std::string& of, int64_t wanted, int64_t most) {
  if (most < wanted) refuse(of + std::to_string(wanted), of + std::to_string(most));
}

}  // namespace

LoadedPlan::LoadedPlan(std::span<const std::byte> plan, const SessionOptions& options)
    : runtime_(create_runtime()), input_(options.input) {
  engine_.reset(runtime_->deserializeCudaEngine(plan.data(), plan.size()));
  require(engine_.get(), ErrorCode::kEngineIncompatible,
          std::string(kFlavour.name) + " cannot open this engine");
  require_inputs(options.max_batch);
  require_output();
}

void LoadedPlan::require_inputs(int64_t max_batch) {
  inputs_ = names(*engine_, TensorIOMode::kINPUT);
  if (input_.kind == InputKind::kText) {
    require_texts();
  } else {
    require_one(*engine_, inputs_, "input");
    const Shape found = tensor_shape(*engine_, inputs_[0]);
    const Shape expected = batch_of(found.empty() ? 0 : found[0], input_.shape);
    if (found != expected) refuse("an input of " + to_string(expected), to_string(found));
  }
  require_room("batches of ", max_batch, most(*engine_, inputs_[0])[0]);
}

void LoadedPlan::require_texts() {
  if (!std::ranges::is_permutation(inputs_, kTextInputs)) {
    refuse("inputs of texts, input_ids, attention_mask and pool_mask", "others");
  }
  inputs_.assign(kTextInputs.begin(), kTextInputs.end());
  for (const std::string& name : inputs_) {
    const Shape shape = tensor_shape(*engine_, name);
    if (shape.size() != 2 || engine_->getTensorDataType(name.c_str()) != DataType::kINT64) {
      refuse(name + " of [batch, tokens] int64", to_string(shape) + " or another type");
    }
  }
  require_room("texts of ", input_.most_tokens(), most(*engine_, inputs_[0])[1]);
}

void LoadedPlan::require_output() {
  const std::vector<std::string> outputs = names(*engine_, TensorIOMode::kOUTPUT);
  require_one(*engine_, outputs, "output");
  output_ = outputs[0];
  const Shape embedding = tensor_shape(*engine_, output_);
  if (embedding.size() != 2 || embedding[1] < 1) {
    refuse("an output of [batch, dim]", to_string(embedding));
  }
  embedding_dim_ = embedding[1];
}

}  // namespace llm2clip::tensorrt
