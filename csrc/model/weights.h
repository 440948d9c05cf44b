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

// A weight as a model uses it: one tensor, or several packed one below the other. A handle: copying
// it copies no numbers, which are read when an engine asks.
class Weight {
 public:
  const std::string& name() const { return name_; }
  // Of packed ones, the first's: what a layer is known by.
  std::string first_name() const { return name_.substr(0, name_.find('|')); }
  const Shape& shape() const { return shape_; }
  // Numbers that come from the checkpoint, zeros filled in not counted.
  int64_t parameters() const;
  void read(Dtype dtype, std::span<std::byte> out) const;

 private:
  friend class Weights;
  friend Weight pack_rows(const std::vector<Weight>& parts);
  friend Weight zeros(const Shape& shape);
  friend Weight reorder_rows(const Weight& weight, std::vector<int64_t> order);

  struct Part {
    std::shared_ptr<const TensorSource> source;  // null: zeros
    int64_t elements;
  };
  std::string name_;
  Shape shape_;
  std::vector<Part> parts_;
};

// Stacks along the first dimension: [a, d], [b, d] → [a + b, d].
Weight pack_rows(const std::vector<Weight>& parts);

// The same rows otherwise: row i is row order[i] of `weight`.
Weight reorder_rows(const Weight& weight, std::vector<int64_t> order);

// A weight that is all zeros, e.g. the bias that EVA02's keys do not have.
Weight zeros(const Shape& shape);

// The tensors of a checkpoint under their canonical names.
class Weights {
 public:
  void add(const std::string& name, std::shared_ptr<const TensorSource> source);

  // Throws ERR_CHECKPOINT_MISMATCH when it is missing or shaped otherwise.
  Weight get(const std::string& name, const Shape& shape);

  // Throws ERR_CHECKPOINT_MISMATCH naming the first tensor that no get() asked for.
  void require_all_used() const;

 private:
  std::map<std::string, std::shared_ptr<const TensorSource>> sources_;
  std::set<std::string> used_;
};

}  // namespace llm2clip
