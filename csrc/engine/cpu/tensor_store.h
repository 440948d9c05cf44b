#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "engine/cpu/plan.h"
#include "model/net.h"

namespace llm2clip::cpu {

// The tensors that a plan under construction uses, each stored once however often it is asked for.
// The numbers are read when the file is written, tensor by tensor.
class TensorStore {
 public:
  explicit TensorStore(Precision precision) : type_(stored_type(precision)) {}

  // A weight in f32, whatever the precision.
  TensorId f32(const Weight& weight);
  // Numbers that the builder made, under a name that begins like this.
  TensorId constant(const std::string& name, std::vector<float> numbers, const Shape& shape);
  // A query [1, 1, D], projected by a linear layer: [out] in f32. Only the query's and the layer's
  // weights count as parameters.
  TensorId projected(const Weight& query, const Linear& q);
  // A table of which a run reads only a few rows, in the type of the precision.
  TensorId table(const Weight& weight);
  // The weight of a linear layer, [out, ..], in the type of the precision.
  TensorId linear(const Weight& weight);
  // The same in int8. smoothing: [in], the divisor of the layer's input, or empty.
  struct Int8 {
    TensorId weight, scales;
    OptionalTensor inverse_smoothing;
  };
  Int8 int8_linear(const Weight& weight, const std::vector<float>& smoothing);

  // The tensors so far. Their offsets are not set yet.
  const std::vector<PlanTensor>& tensors() const { return tensors_; }
  // The bytes of a tensor, as they lie in the file.
  std::vector<std::byte> bytes(size_t place) const { return reads_[place](); }
  int64_t parameters() const { return parameters_; }

 private:
  using Read = std::function<std::vector<std::byte>()>;
  TensorId add(const PlanTensor& tensor, Read read);
  // Returns the tensor with this key, or adds the one that make() describes.
  template <typename Make>
  TensorId once(const std::string& key, const Make& make);
  std::string unique_name(const std::string& name) const;

  WeightType type_;  // of all weights of 16 or 32 bits
  std::vector<PlanTensor> tensors_;
  std::vector<Read> reads_;
  std::map<std::string, TensorId> by_key_;
  std::map<std::string, Int8> int8_;
  int64_t parameters_ = 0;
};

}  // namespace llm2clip::cpu
