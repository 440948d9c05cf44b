#include "tests/numbered_weights.h"

#include <memory>
#include <utility>
#include <vector>

#include "base/float_convert.h"

namespace llm2clip::testing {
namespace {

class Numbered final : public TensorSource {
 public:
  Numbered(std::string name, Shape shape, Numbers numbers)
      : name_(std::move(name)), shape_(std::move(shape)), numbers_(std::move(numbers)) {}
  const Shape& shape() const override { return shape_; }
  void read(Dtype dtype, std::span<std::byte> out) const override {
    std::vector<float> all(static_cast<size_t>(element_count(shape_)));
    for (size_t i = 0; i < all.size(); ++i) all[i] = numbers_(name_, i);
    from_float(all.data(), dtype, out.data(), all.size());
  }

 private:
  std::string name_;
  Shape shape_;
  Numbers numbers_;
};

}  // namespace

float drawn(const std::string& name, size_t i) {
  const auto unit = static_cast<float>((std::hash<std::string>{}(name) + i * 7919) % 2003) / 1001;
  const bool norm = name.find("norm") != std::string::npos;
  return norm ? 0.5F + unit / 2 : (unit - 1) / 3;
}

Weights numbered_weights(const Shapes& shapes, const Numbers& numbers) {
  Weights weights;
  for (const auto& [name, shape] : shapes) {
    weights.add(name, std::make_shared<Numbered>(name, shape, numbers));
  }
  return weights;
}

}  // namespace llm2clip::testing
