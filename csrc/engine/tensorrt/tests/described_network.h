#pragma once

#include <NvInfer.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "engine/tensorrt/tensorrt_net.h"
#include "model/tower.h"
#include "tests/numbered_weights.h"

namespace llm2clip::testing {

// Returns the same number for every tensor. It is exact in f16 and never zero.
float number(size_t i);

// A model on a network that is described but never built.
class Described final : public tensorrt::TensorrtNet {
 public:
  Described(
      const TowerConfig& config, const Shape& input, Precision precision, const Shapes& shapes,
      const Numbers& numbers = [](const std::string&, size_t i) { return number(i); });
  // Describes any network by a function.
  using Network = std::function<Value(Net&, Weights&)>;
  Described(const Network& say, const Shape& input, Precision precision, const Shapes& shapes,
            const Numbers& numbers);
  BuildReport save(Value, const std::string&) override { return {0, {}}; }

  nvinfer1::INetworkDefinition& network() { return *network_; }
  bool counts_every_parameter() const { return parameters() == expected_parameters_; }

  std::vector<nvinfer1::ILayer*> layers(nvinfer1::LayerType type);
  // The elements of a constant, given the tensor that it feeds.
  std::vector<float> numbers(const nvinfer1::ITensor* tensor);
  // The weight of the product with that name, [out, in] with padding, and its shape.
  std::pair<std::vector<float>, Shape> product(const std::string& name);

 private:
  nvinfer1::INetworkDefinition* network_ = nullptr;
  int64_t expected_parameters_ = 0;
};

void add_affine(Shapes& shapes, const std::string& name, int64_t out, int64_t in);

}  // namespace llm2clip::testing
