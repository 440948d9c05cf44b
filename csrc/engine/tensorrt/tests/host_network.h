#pragma once

#include <NvInfer.h>

#include <map>
#include <string>
#include <vector>

#include "base/shape.h"

namespace llm2clip::testing {

// An array of numbers of any type, stored as doubles.
struct Array {
  Shape shape;
  std::vector<double> numbers;
};

// Computes each layer on the host, in the plain form of the library's documentation. This shows
// what a network computes without building it and without a GPU. It supports the layers of text
// towers and of simple vision towers.
class HostNetwork {
 public:
  explicit HostNetwork(nvinfer1::INetworkDefinition& network);
  // Returns the network's only output. Throws std::runtime_error for an unsupported layer.
  Array run(std::map<std::string, Array> inputs);

 private:
  const Array& value(nvinfer1::ITensor* tensor);
  Array compute(nvinfer1::ILayer& layer);
  Array convolve(nvinfer1::IConvolutionLayer& layer);
  Array concatenate(nvinfer1::IConcatenationLayer& layer);
  Array slice(nvinfer1::ISliceLayer& layer);
  Array shuffle(nvinfer1::IShuffleLayer& layer);
  Array rotate(nvinfer1::ILayer& layer);
  Array attend(nvinfer1::IAttention& attention);

  nvinfer1::INetworkDefinition& network_;
  std::map<nvinfer1::ITensor*, nvinfer1::ILayer*> makers_;
  std::map<nvinfer1::ITensor*, Array> values_;
};

}  // namespace llm2clip::testing
