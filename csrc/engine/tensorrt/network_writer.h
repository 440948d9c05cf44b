#pragma once

#include <NvInfer.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "engine/engine.h"
#include "engine/tensorrt/constants.h"

namespace llm2clip::tensorrt {

using Tensor = nvinfer1::ITensor*;  // never null; owned by the network

// An extent for expand() and slice() that means everything, for example the batch or a text's
// tokens, whose extents are known only at run time.
inline constexpr int64_t kAll = INT64_MAX / 2;

// Adds layers to a network and stores their weights. It does not know any model; tensorrt_net.h
// lowers models with it. The library checks each layer when it is added. If it rejects one, the
// Error is ERR_INTERNAL with the library's message.
class NetworkWriter {
 public:
  NetworkWriter(nvinfer1::IBuilder& builder, Precision precision);

  nvinfer1::INetworkDefinition& network() { return *network_; }
  nvinfer1::DataType type() const { return type_; }  // type of weights and activations
  int64_t parameters() const { return parameters_; }

  // −1 stands for an extent that is known only at run time.
  Tensor input(const char* name, const Shape& shape,
               nvinfer1::DataType type = nvinfer1::DataType::kFLOAT);
  void mark_output(Tensor x, const char* name);  // converted to f32

  // Reads the weight now, in the network's type.
  Tensor weight(const Weight& weight, const Shape& shape);
  Tensor weight(const Weight& weight, const Padding& padding, const Shape& shape);
  // For convolutions, which store their weights themselves.
  nvinfer1::Weights held(const Weight& weight);
  // A weight in f32, for norms.
  Tensor weight_f32(const Weight& weight, const Padding& padding, const Shape& shape);
  Tensor numbers(const std::vector<float>& numbers, const Shape& shape);  // f32
  Tensor integers(const Shape& numbers, const Shape& shape);              // int64
  Tensor scalar(float value, Tensor like);                                // in like's type, rank

  Tensor cast(Tensor x, nvinfer1::DataType type);
  Tensor combine(Tensor a, Tensor b, nvinfer1::ElementWiseOperation operation);
  Tensor add(Tensor a, Tensor b);
  Tensor multiply(Tensor a, Tensor b);
  Tensor activate(Tensor x, nvinfer1::ActivationType activation);
  Tensor sum(Tensor x, size_t axis);      // the axis stays, with extent 1
  Tensor sum_of_rows(Tensor x);           // [.., D] → [.., 1]
  Tensor sum_before(Tensor x, int axis);  // for each element, the sum of those before it
  Tensor root(Tensor x);
  Tensor inverse_root(Tensor x);
  // table [V, D], indices [..] → [.., D]. An index outside the table gives zeros.
  Tensor rows_of(Tensor table, Tensor indices);
  // In `shape`, 0 stands for the input's own extent.
  Tensor reshape(Tensor x, const Shape& shape);
  Tensor transpose(Tensor x, const std::vector<int>& order);
  // Returns at most `extents` elements from `begin` on.
  Tensor slice(Tensor x, const Shape& begin, const Shape& extents);
  // Repeats x along its extents of one, up to the smaller of the extents of `like` and `extents`.
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
  std::deque<std::vector<std::byte>> held_;  // the network only stores pointers to them
  int64_t parameters_ = 0;
};

// The extents of x that the network knows now. −1 stands for those that are known only at run time.
Shape shape_of(Tensor x);

// The shape of a row of `size` elements that can be broadcast to x: [1, .., size], with the rank of
// x.
Shape as_row(int64_t size, Tensor x);

}  // namespace llm2clip::tensorrt
