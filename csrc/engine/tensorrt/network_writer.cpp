#include "engine/tensorrt/network_writer.h"

#include <cstring>

#include "base/float_convert.h"
#include "engine/tensorrt/dims.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {
namespace {

using nvinfer1::DataType;
using nvinfer1::Dims;
using nvinfer1::ElementWiseOperation;

Dtype dtype_of(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return Dtype::kF32;
    case Precision::kFp16: return Dtype::kF16;
    case Precision::kBf16: return Dtype::kBF16;
    case Precision::kInt8: break;
  }
  throw Error(ErrorCode::kEngineIncompatible,
              "expected fp16, bf16 or fp32 for a TensorRT engine, found int8");
}

DataType type_of(Dtype dtype) {
  if (dtype == Dtype::kF16) return DataType::kHALF;
  return dtype == Dtype::kBF16 ? DataType::kBF16 : DataType::kFLOAT;
}

Dtype dtype_of(DataType type) {
  if (type == DataType::kHALF) return Dtype::kF16;
  return type == DataType::kBF16 ? Dtype::kBF16 : Dtype::kF32;
}

nvinfer1::Permutation permutation(const std::vector<int>& order) {
  nvinfer1::Permutation result{};
  std::copy(order.begin(), order.end(), result.order);
  return result;
}

std::vector<std::byte> read(const Weight& weight, Dtype dtype) {
  std::vector<std::byte> bytes(static_cast<size_t>(element_count(weight.shape())) * size_of(dtype));
  weight.read(dtype, bytes);
  return bytes;
}

std::vector<std::byte> read(const Weight& weight, Dtype dtype, const Padding& padding) {
  std::vector<std::byte> bytes = read(weight, dtype);
  return padding.changes() ? pad(bytes, size_of(dtype), padding) : bytes;
}

}  // namespace

Shape shape_of(Tensor x) { return shape_of(x->getDimensions()); }

Shape as_row(int64_t size, Tensor x) {
  Shape shape(shape_of(x).size(), 1);
  shape.back() = size;
  return shape;
}

NetworkWriter::NetworkWriter(nvinfer1::IBuilder& builder, Precision precision)
    : dtype_(dtype_of(precision)) {
  type_ = type_of(dtype_);
  Log::get().clear();
  network_.reset(builder.createNetworkV2(0));  // networks are always strongly typed
  if (!network_) refuse("a network");
}

void NetworkWriter::refuse(const char* what) {
  Log::get().fail(ErrorCode::kInternal, std::string("cannot add ") + what);
}

Tensor NetworkWriter::input(const char* name, const Shape& shape, DataType type) {
  return require_layer(network_->addInput(name, type, dims_of(shape)), "an input");
}

void NetworkWriter::mark_output(Tensor x, const char* name) {
  Tensor const output = cast(x, DataType::kFLOAT);
  output->setName(name);
  network_->markOutput(*output);
}

Tensor NetworkWriter::constant(DataType type, std::vector<std::byte> bytes, const Shape& shape) {
  const std::vector<std::byte>& kept = held_.emplace_back(std::move(bytes));
  return output(network_->addConstant(dims_of(shape), {type, kept.data(), element_count(shape)}),
                "a constant");
}

Tensor NetworkWriter::weight(const Weight& weight, const Shape& shape) {
  parameters_ += weight.parameters();
  return constant(type_, read(weight, dtype_), shape);
}

Tensor NetworkWriter::weight(const Weight& weight, const Padding& padding, const Shape& shape) {
  parameters_ += weight.parameters();
  return constant(type_, read(weight, dtype_, padding), shape);
}

nvinfer1::Weights NetworkWriter::held(const Weight& weight) {
  parameters_ += weight.parameters();
  const std::vector<std::byte>& kept = held_.emplace_back(read(weight, dtype_));
  return {type_, kept.data(), element_count(weight.shape())};
}

Tensor NetworkWriter::weight_f32(const Weight& weight, const Padding& padding, const Shape& shape) {
  parameters_ += weight.parameters();
  return constant(DataType::kFLOAT, read(weight, Dtype::kF32, padding), shape);
}

Tensor NetworkWriter::numbers(const std::vector<float>& numbers, const Shape& shape) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return constant(DataType::kFLOAT, {bytes.begin(), bytes.end()}, shape);
}

Tensor NetworkWriter::integers(const Shape& numbers, const Shape& shape) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return constant(DataType::kINT64, {bytes.begin(), bytes.end()}, shape);
}

Tensor NetworkWriter::scalar(float value, Tensor like) {
  const Dtype dtype = dtype_of(like->getType());
  std::vector<std::byte> bytes(size_of(dtype));
  from_float(&value, dtype, bytes.data(), 1);
  return constant(like->getType(), std::move(bytes), Shape(shape_of(like).size(), 1));
}

Tensor NetworkWriter::cast(Tensor x, DataType type) {
  return x->getType() == type ? x : output(network_->addCast(*x, type), "a cast");
}

Tensor NetworkWriter::combine(Tensor a, Tensor b, ElementWiseOperation operation) {
  return output(network_->addElementWise(*a, *b, operation), "an elementwise layer");
}

Tensor NetworkWriter::add(Tensor a, Tensor b) { return combine(a, b, ElementWiseOperation::kSUM); }

Tensor NetworkWriter::multiply(Tensor a, Tensor b) {
  return combine(a, b, ElementWiseOperation::kPROD);
}

Tensor NetworkWriter::activate(Tensor x, nvinfer1::ActivationType activation) {
  return output(network_->addActivation(*x, activation), "an activation");
}

Tensor NetworkWriter::sum(Tensor x, size_t axis) {
  return output(network_->addReduce(*x, nvinfer1::ReduceOperation::kSUM, 1U << axis, true),
                "a sum");
}

Tensor NetworkWriter::sum_of_rows(Tensor x) { return sum(x, shape_of(x).size() - 1); }

Tensor NetworkWriter::sum_before(Tensor x, int axis) {
  return output(network_->addCumulative(*x, *integers({axis}, {}),
                                        nvinfer1::CumulativeOperation::kSUM, /*exclusive=*/true,
                                        /*reverse=*/false),
                "a running sum");
}

Tensor NetworkWriter::rows_of(Tensor table, Tensor indices) {
  return output(network_->addGather(*table, *indices, 0), "a table");
}

Tensor NetworkWriter::root(Tensor x) {
  return output(network_->addUnary(*x, nvinfer1::UnaryOperation::kSQRT), "a root");
}

Tensor NetworkWriter::inverse_root(Tensor x) {
  return output(network_->addUnary(*root(x), nvinfer1::UnaryOperation::kRECIP), "a reciprocal");
}

Tensor NetworkWriter::reshape(Tensor x, const Shape& shape) {
  auto* const layer = require_layer(network_->addShuffle(*x), "a reshape");
  layer->setReshapeDimensions(dims_of(shape));
  return layer->getOutput(0);
}

Tensor NetworkWriter::transpose(Tensor x, const std::vector<int>& order) {
  auto* const layer = require_layer(network_->addShuffle(*x), "a transpose");
  layer->setFirstTranspose(permutation(order));
  return layer->getOutput(0);
}

// The smaller extent of each pair, computed in the network, because some extents are known only at
// run time.
Tensor NetworkWriter::extents_within(Tensor x, const Shape& extents) {
  Tensor const most = integers(extents, {static_cast<int64_t>(extents.size())});
  Tensor const own = output(network_->addShape(*x), "a shape");
  return combine(own, most, ElementWiseOperation::kMIN);
}

Tensor NetworkWriter::resized(nvinfer1::ISliceLayer* slice, Tensor extents) {
  require_layer(slice, "a slice")->setInput(2, *extents);
  return slice->getOutput(0);
}

Tensor NetworkWriter::slice(Tensor x, const Shape& begin, const Shape& extents) {
  const Dims ones = dims_of(Shape(begin.size(), 1));
  return resized(network_->addSlice(*x, dims_of(begin), ones, ones), extents_within(x, extents));
}

Tensor NetworkWriter::expand(Tensor x, Tensor like, const Shape& extents) {
  const size_t rank = extents.size();
  Shape strides;
  for (const int64_t extent : shape_of(x)) strides.push_back(extent == 1 ? 0 : 1);
  return resized(
      network_->addSlice(*x, dims_of(Shape(rank, 0)), dims_of(Shape(rank, 1)), dims_of(strides)),
      extents_within(like, extents));
}

Tensor NetworkWriter::concatenate(const std::vector<Tensor>& parts, int axis) {
  auto* const layer = require_layer(
      network_->addConcatenation(parts.data(), static_cast<int32_t>(parts.size())), "a junction");
  layer->setAxis(axis);
  return layer->getOutput(0);
}

Tensor NetworkWriter::linear(Tensor x, Tensor weight, const std::string& name) {
  using nvinfer1::MatrixOperation;
  auto* const layer = require_layer(
      network_->addMatrixMultiply(*x, MatrixOperation::kNONE, *weight, MatrixOperation::kTRANSPOSE),
      "a product");
  layer->setName(name.c_str());
  return layer->getOutput(0);
}

}  // namespace llm2clip::tensorrt
