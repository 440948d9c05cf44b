#include "described_network.h"

#include "base/float_convert.h"
#include "engine/tensorrt/vendor.h"

namespace llm2clip::testing {
namespace {

using nvinfer1::DataType;
using nvinfer1::LayerType;

std::vector<float> as_floats(const nvinfer1::Weights& weights) {
  std::vector<float> numbers(static_cast<size_t>(weights.count));
  const Dtype dtype = weights.type == DataType::kHALF   ? Dtype::kF16
                      : weights.type == DataType::kBF16 ? Dtype::kBF16
                                                        : Dtype::kF32;
  to_float(dtype, static_cast<const std::byte*>(weights.values), numbers.data(), numbers.size());
  return numbers;
}

}  // namespace

float number(size_t i) { return static_cast<float>(1 + i % 509) / 16; }

Described::Described(const TowerConfig& config, const Shape& input, Precision precision,
                     const Shapes& shapes, const Numbers& numbers)
    : Described([&](Net& net, Weights& weights) { return tower(net, weights, config); }, input,
                precision, shapes, numbers) {}

Described::Described(const Network& say, const Shape& input, Precision precision,
                     const Shapes& shapes, const Numbers& numbers)
    : TensorrtNet(tensorrt::create_builder(), precision, input) {
  for (const auto& [name, shape] : shapes) expected_parameters_ += element_count(shape);
  Weights weights = numbered_weights(shapes, numbers);
  network_ = &finish(say(*this, weights));
}

std::vector<nvinfer1::ILayer*> Described::layers(LayerType type) {
  std::vector<nvinfer1::ILayer*> found;
  for (int32_t i = 0; i < network_->getNbLayers(); ++i) {
    if (network_->getLayer(i)->getType() == type) found.push_back(network_->getLayer(i));
  }
  return found;
}

std::vector<float> Described::numbers(const nvinfer1::ITensor* tensor) {
  for (nvinfer1::ILayer* layer : layers(LayerType::kCONSTANT)) {
    if (layer->getOutput(0) != tensor) continue;
    return as_floats(static_cast<nvinfer1::IConstantLayer*>(layer)->getWeights());
  }
  return {};
}

std::pair<std::vector<float>, Shape> Described::product(const std::string& name) {
  for (nvinfer1::ILayer* layer : layers(LayerType::kMATRIX_MULTIPLY)) {
    if (layer->getName() != name) continue;
    return {numbers(layer->getInput(1)), tensorrt::shape_of(layer->getInput(1))};
  }
  return {};
}

void add_affine(Shapes& shapes, const std::string& name, int64_t out, int64_t in) {
  shapes[name + ".weight"] = in == 0 ? Shape{out} : Shape{out, in};
  shapes[name + ".bias"] = {out};
}

}  // namespace llm2clip::testing
