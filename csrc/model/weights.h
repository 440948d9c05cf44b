#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_source.h"

namespace llm2clip {

// A weight as a model uses it: one tensor, or several tensors stacked along the first dimension. It
// is a handle: copying it copies no numbers. The numbers are read when an engine asks for them.
class Weight {
 public:
  const std::string& name() const { return name_; }
  // The name of the first packed tensor. It identifies a layer.
  std::string first_name() const { return name_.substr(0, name_.find('|')); }
  const Shape& shape() const { return shape_; }
  // The count of numbers that come from the checkpoint, without the zeros that were filled in.
  int64_t parameters() const;
  void read(Dtype dtype, std::span<std::byte> out) const;

 private:
  friend class Weights;
  friend Weight pack_rows(const std::vector<Weight>& parts);
  friend Weight zeros(const Shape& shape);
  friend Weight reorder_rows(const Weight& weight, std::vector<int64_t> order);

  struct Part {
    std::shared_ptr<const TensorSource> source;  // null means zeros
    int64_t elements;
  };
  std::string name_;
  Shape shape_;
  std::vector<Part> parts_;
};

// Stacks along the first dimension: [a, d], [b, d] → [a + b, d].
Weight pack_rows(const std::vector<Weight>& parts);

// Returns the rows in another order: row i of the result is row order[i] of `weight`.
Weight reorder_rows(const Weight& weight, std::vector<int64_t> order);

// A weight that is all zeros, for example because EVA02's keys have no bias.
Weight zeros(const Shape& shape);

// The tensors of a checkpoint by canonical name.
class Weights {
 public:
  void add(const std::string& name, std::shared_ptr<const TensorSource> source);

  // Throws ERR_CHECKPOINT_MISMATCH when the tensor is missing or has another shape.
  Weight get(const std::string& name, const Shape& shape);

  // Throws ERR_CHECKPOINT_MISMATCH that names the first tensor that get() never returned.
  void require_all_used() const;

 private:
  std::map<std::string, std::shared_ptr<const TensorSource>> sources_;
  std::set<std::string> used_;
};

}  // namespace llm2clip
