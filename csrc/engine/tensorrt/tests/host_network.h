#pragma once

#include <NvInfer.h>

#include <map>
#include <string>
#include <vector>

#include "base/shape.h"

namespace llm2clip::testing {

// Numbers of any type, as doubles.
struct Array {
  Shape shape;
  std::vector<double> numbers;
};

// What the library's documentation says that each layer does, done plainly on the host: what a
// network means is seen without a GPU, and without building it. Knows the layers that text towers
// and simple towers of images are made of.
class HostNetwork {
 public:
  explicit HostNetwork(nvinfer1::INetworkDefinition& network);
  // Its one output. Throws std::runtime_error for a layer that it does not know.
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
