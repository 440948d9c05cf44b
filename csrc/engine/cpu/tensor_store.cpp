#include "engine/cpu/tensor_store.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "kernels/cpu/linear.h"
#include "ops/int8_rounding.h"

namespace llm2clip::cpu {
namespace {

std::vector<std::byte> read_as(const Weight& weight, Dtype dtype) {
  std::vector<std::byte> bytes(static_cast<size_t>(element_count(weight.shape())) * size_of(dtype));
  weight.read(dtype, bytes);
  return bytes;
}

std::vector<float> read_f32(const Weight& weight) {
  std::vector<float> numbers(static_cast<size_t>(element_count(weight.shape())));
  weight.read(Dtype::kF32, std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

std::vector<std::byte> bytes_of_numbers(const std::vector<float>& numbers) {
  const auto bytes = std::as_bytes(std::span(numbers));
  return {bytes.begin(), bytes.end()};
}

// [out, in]; the weight of a patch embedding has more dimensions, which lie in a row.
Shape matrix_shape(const Weight& weight) {
  const int64_t out = weight.shape()[0];
  return {out, element_count(weight.shape()) / out};
}

std::vector<std::byte> in_panels(WeightType type, const void* weight, const Shape& shape) {
  const int64_t panels = linear_panels(shape[0]);
  std::vector<std::byte> packed(static_cast<size_t>(panels * panel_bytes(type, shape[1])));
  pack_panels(type, weight, packed.data(), shape[0], shape[1], 0, panels);
  return packed;
}

// The weight in f32, multiplied by its smoothing.
std::vector<float> smoothed(const Weight& weight, const std::vector<float>& smoothing) {
  std::vector<float> numbers = read_f32(weight);
  if (smoothing.empty()) return numbers;
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] *= smoothing[i % smoothing.size()];
  return numbers;
}

void check_smoothing(const Weight& weight, const std::vector<float>& smoothing) {
  const auto in = static_cast<size_t>(weight.shape().back());
  if (smoothing.empty() || smoothing.size() == in) return;
  throw Error(ErrorCode::kInvalidArg, "expected a smoothing of " + std::to_string(in) +
                                          " numbers for " + weight.name() + ", found " +
                                          std::to_string(smoothing.size()));
}

}  // namespace

std::string TensorStore::unique_name(const std::string& name) const {
  std::string unique = name;
  const auto is_taken = [&](const PlanTensor& tensor) { return tensor.name == unique; };
  for (int i = 2; std::ranges::any_of(tensors_, is_taken); ++i) {
    unique = name + "." + std::to_string(i);
  }
  return unique;
}

TensorId TensorStore::add(const PlanTensor& tensor, Read read) {
  PlanTensor named = tensor;
  named.name = unique_name(tensor.name);
  tensors_.push_back(std::move(named));
  reads_.push_back(std::move(read));
  return {static_cast<int32_t>(tensors_.size() - 1)};
}

template <typename Make>
TensorId TensorStore::once(const std::string& key, const Make& make) {
  const auto [found, is_new] = by_key_.try_emplace(key);
  if (is_new) found->second = make();
  return found->second;
}

TensorId TensorStore::f32(const Weight& weight) {
  return once("f32 " + weight.name(), [&] {
    parameters_ += weight.parameters();
    // [1, 1, D] and [1, N, D] are stored without the ones.
    Shape shape = weight.shape();
    while (shape.size() > 1 && shape.front() == 1) shape.erase(shape.begin());
    return add({weight.first_name(), WeightType::kF32, false, shape},
               [weight] { return read_as(weight, Dtype::kF32); });
  });
}

TensorId TensorStore::constant(const std::string& name, std::vector<float> numbers,
                               const Shape& shape) {
  return add({name, WeightType::kF32, false, shape},
             [numbers = std::move(numbers)] { return bytes_of_numbers(numbers); });
}

TensorId TensorStore::projected(const Weight& query, const Linear& q) {
  parameters_ += query.parameters() + q.weight.parameters() + (q.bias ? q.bias->parameters() : 0);
  const int64_t out = q.weight.shape()[0], in = q.weight.shape()[1];
  const auto read = [query, q, out, in] {
    const std::vector<float> x = read_f32(query), weight = read_f32(q.weight);
    std::vector<float> projected =
        q.bias ? read_f32(*q.bias) : std::vector<float>(static_cast<size_t>(out));
    linear_plain(x.data(), weight.data(), q.bias ? projected.data() : nullptr, projected.data(),
                 {1, in, out});
    return bytes_of_numbers(projected);
  };
  return add({query.first_name() + ".projected", WeightType::kF32, false, {out}}, read);
}

TensorId TensorStore::table(const Weight& weight) {
  return once("table " + weight.name(), [&] {
    parameters_ += weight.parameters();
    return add({weight.first_name(), type_, false, weight.shape()},
               [weight, dtype = dtype_of(type_)] { return read_as(weight, dtype); });
  });
}

TensorId TensorStore::linear(const Weight& weight) {
  return once("linear " + weight.name(), [&] {
    parameters_ += weight.parameters();
    const Shape shape = matrix_shape(weight);
    return add({weight.first_name(), type_, true, shape}, [weight, shape, type = type_] {
      return in_panels(type, read_as(weight, dtype_of(type)).data(), shape);
    });
  });
}

TensorStore::Int8 TensorStore::int8_linear(const Weight& weight,
                                           const std::vector<float>& smoothing) {
  if (const auto found = int8_.find(weight.name()); found != int8_.end()) return found->second;
  check_smoothing(weight, smoothing);
  parameters_ += weight.parameters();
  const Shape shape = matrix_shape(weight);
  const std::string name = weight.first_name();
  Int8 made;
  made.weight = add({name, WeightType::kInt8, true, shape}, [weight, smoothing, shape] {
    const Int8Matrix rounded = rounded_to_int8(smoothed(weight, smoothing), shape[1]);
    return in_panels(WeightType::kInt8, rounded.values.data(), shape);
  });
  made.scales =
      add({name + ".scales", WeightType::kF32, false, {shape[0]}}, [weight, smoothing, shape] {
        const auto numbers = smoothed(weight, smoothing);
        return bytes_of_numbers(rounded_to_int8(numbers, shape[1]).scales);
      });
  if (!smoothing.empty()) {
    std::vector<float> inverse;
    for (const float factor : smoothing) inverse.push_back(1 / factor);
    made.inverse_smoothing = constant(name + ".inverse_smoothing", inverse, {shape[1]});
  }
  return int8_[weight.name()] = made;
}

}  // namespace llm2clip::cpu
