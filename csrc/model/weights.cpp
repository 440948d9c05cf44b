#include "model/weights.h"

#include <algorithm>

#include "base/error.h"

namespace llm2clip {
namespace {

class ReorderedRows final : public TensorSource {
 public:
  ReorderedRows(const Weight& weight, std::vector<int64_t> order)
      : weight_(weight), order_(std::move(order)) {}

  const Shape& shape() const override { return weight_.shape(); }

  void read(Dtype dtype, std::span<std::byte> out) const override {
    std::vector<std::byte> rows(out.size());
    weight_.read(dtype, rows);
    const size_t row = out.size() / order_.size();
    for (size_t i = 0; i < order_.size(); ++i) {
      const auto from = rows.begin() + static_cast<std::ptrdiff_t>(order_[i] * row);
      std::copy_n(from, row, out.begin() + static_cast<std::ptrdiff_t>(i * row));
    }
  }

 private:
  Weight weight_;
  std::vector<int64_t> order_;
};

}  // namespace

int64_t Weight::parameters() const {
  int64_t count = 0;
  for (const Part& part : parts_) count += part.source ? part.elements : 0;
  return count;
}

void Weight::read(Dtype dtype, std::span<std::byte> out) const {
  for (const Part& part : parts_) {
    const auto piece = out.first(static_cast<size_t>(part.elements) * size_of(dtype));
    if (part.source) {
      part.source->read(dtype, piece);
    } else {
      std::fill(piece.begin(), piece.end(), std::byte{0});
    }
    out = out.subspan(piece.size());
  }
}

Weight pack_rows(const std::vector<Weight>& parts) {
  Weight packed = parts.front();
  for (size_t i = 1; i < parts.size(); ++i) {
    packed.name_ += "|" + parts[i].name_;
    packed.shape_[0] += parts[i].shape_[0];
    packed.parts_.insert(packed.parts_.end(), parts[i].parts_.begin(), parts[i].parts_.end());
  }
  return packed;
}

Weight reorder_rows(const Weight& weight, std::vector<int64_t> order) {
  Weight reordered;
  reordered.name_ = weight.name();
  reordered.shape_ = weight.shape();
  reordered.parts_.push_back(
      {std::make_shared<ReorderedRows>(weight, std::move(order)), element_count(weight.shape())});
  return reordered;
}

Weight zeros(const Shape& shape) {
  Weight weight;
  weight.name_ = "zeros";
  weight.shape_ = shape;
  weight.parts_.push_back({nullptr, element_count(shape)});
  return weight;
}

void Weights::add(const std::string& name, std::shared_ptr<const TensorSource> source) {
  sources_[name] = std::move(source);
}

Weight Weights::get(const std::string& name, const Shape& shape) {
  const auto found = sources_.find(name);
  if (found == sources_.end()) {
    throw Error(ErrorCode::kCheckpointMismatch,
                "expected tensor " + name + " " + to_string(shape) + ", found none");
  }
  if (found->second->shape() != shape) {
    throw Error(ErrorCode::kCheckpointMismatch, "expected tensor " + name + " " + to_string(shape) +
                                                    ", found " + to_string(found->second->shape()));
  }
  used_.insert(name);
  Weight weight;
  weight.name_ = name;
  weight.shape_ = shape;
  weight.parts_.push_back({found->second, element_count(shape)});
  return weight;
}

void Weights::require_all_used() const {
  for (const auto& [name, source] : sources_) {
    if (!used_.contains(name)) {
      throw Error(
          ErrorCode::kCheckpointMismatch,
          "tensor " + name + " " + to_string(source->shape()) + " has no place in the model");
    }
  }
}

}  // namespace llm2clip
