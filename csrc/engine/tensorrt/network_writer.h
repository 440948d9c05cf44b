#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/tensorrt/constants.h"

namespace llm2clip::tensorrt {

using Tensor = nvinfer1::ITensor*;  // never null; the network's own

// As an extent of expand() and slice(): all of it, as of the batch and of a text's tokens, which
// are not known yet.
inline constexpr int64_t kAll = INT64_MAX / 2;

// Adds layers to a network and keeps the numbers that they hold. Knows no model: the lowering of
// net.h is written on it. The library checks each layer when it is added; what it refuses is an
// ERR_INTERNAL with its own words.
class NetworkWriter {
 public:
  NetworkWriter(nvinfer1::IBuilder& builder, Precision precision);

  nvinfer1::INetworkDefinition& network() { return *network_; }
  nvinfer1::DataType type() const { return type_; }  // that weights and activations are of
  int64_t parameters() const { return parameters_; }

  // −1 for what is known when it runs.
  Tensor input(const char* name, const Shape& shape,
               nvinfer1::DataType type = nvinfer1::DataType::kFLOAT);
  void mark_output(Tensor x, const char* name);  // as f32

  // Read now, in the network's type.
  Tensor weight(const Weight& weight, const Shape& shape);
  Tensor weight(const Weight& weight, const Padding& padding, const Shape& shape);
  // A convolution holds its weights itself.
  nvinfer1::Weights held(const Weight& weight);
  // In f32, of the network: of norms.
  Tensor weight_f32(const Weight& weight, const Padding& padding, const Shape& shape);
  Tensor numbers(const std::vector<float>& numbers, const Shape& shape);  // f32
  Tensor integers(const Shape& numbers, const Shape& shape);              // int64
  Tensor scalar(float value, Tensor like);                                // of its type and rank

  Tensor cast(Tensor x, nvinfer1::DataType type);
  Tensor combine(Tensor a, Tensor b, nvinfer1::ElementWiseOperation operation);
  Tensor add(Tensor a, Tensor b);
  Tensor multiply(Tensor a, Tensor b);
  Tensor activate(Tensor x, nvinfer1::ActivationType activation);
  Tensor sum(Tensor x, size_t axis);      // an axis of 1 stays
  Tensor sum_of_rows(Tensor x);           // [.., D] → [.., 1]
  Tensor sum_before(Tensor x, int axis);  // of each number, all before it
  Tensor root(Tensor x);
  Tensor inverse_root(Tensor x);
  // table [V, D], indices [..] → [.., D]; zeros of an index that it does not have.
  Tensor rows_of(Tensor table, Tensor indices);
  // Of `shape`, 0 stands for the input's own extent.
  Tensor reshape(Tensor x, const Shape& shape);
  Tensor transpose(Tensor x, const std::vector<int>& order);
  // From `begin`, at most `extents` of it.
  Tensor slice(Tensor x, const Shape& begin, const Shape& extents);
  // Repeats x along its extents of one, to those that `like` and `extents` have in common.
  Tensor expand(Tensor x, Tensor like, const Shape& extents);
  Tensor concatenate(const std::vector<Tensor>& parts, int axis);
  // x [.., in] · weight [1.., out, in]ᵀ
  Tensor linear(Tensor x, Tensor weight, const std::string& name);

  template <typename Layer>
  Tensor output(Layer* layer, const char* what) {
    return require_layer(layer, what)->getOutput(0);
  }
  template <typename Layer>
  Layer* require_layer(Layer* layer, const char* what) {
    if (layer == nullptr) refuse(what);
    return layer;
  }

 private:
  [[noreturn]] static void refuse(const char* what);
  Tensor constant(nvinfer1::DataType type, std::vector<std::byte> bytes, const Shape& shape);
  Tensor extents_within(Tensor x, const Shape& extents);
  Tensor resized(nvinfer1::ISliceLayer* slice, Tensor extents);

  std::unique_ptr<nvinfer1::INetworkDefinition> network_;
  nvinfer1::DataType type_;
  Dtype dtype_;
  std::deque<std::vector<std::byte>> held_;  // the network only points to them
  int64_t parameters_ = 0;
};

// Extents of x as the network knows them now, −1 for those that are known when it runs.
Shape shape_of(Tensor x);

// Of a row of so many numbers that is the same for all of x: [1, .., size], of x's rank.
Shape as_row(int64_t size, Tensor x);

}  // namespace llm2clip::tensorrt
