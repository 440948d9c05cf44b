// Tests the parts of models without an engine.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "expect.h"
#include "model/bind.h"
#include "model/text.h"

namespace llm2clip::testing {
namespace {

// A tensor of 0, 1, 2, …
class Counting final : public TensorSource {
 public:
  explicit Counting(Shape shape) : shape_(std::move(shape)) {}
  const Shape& shape() const override { return shape_; }
  void read(Dtype, std::span<std::byte> out) const override {
    for (size_t i = 0; i < out.size() / sizeof(float); ++i) {
      const auto value = static_cast<float>(i);
      std::memcpy(out.data() + i * sizeof(float), &value, sizeof(value));
    }
  }

 private:
  Shape shape_;
};

Weights counting(const std::vector<std::pair<std::string, Shape>>& tensors) {
  Weights weights;
  for (const auto& [name, shape] : tensors) {
    weights.add(name, std::make_shared<Counting>(shape));
  }
  return weights;
}

std::vector<float> numbers(const Weight& weight) {
  std::vector<float> values(static_cast<size_t>(element_count(weight.shape())));
  weight.read(Dtype::kF32, std::as_writable_bytes(std::span(values)));
  return values;
}

// An engine without the text side.
class ImagesOnly final : public Net {
 public:
  Value pixels() override { return {0}; }
  Value patch_embed(Value, const Conv&, const Tokens&) override { return {0}; }
  Value layer_norm(Value, const Norm&) override { return {0}; }
  Value linear(Value, const Linear&) override { return {0}; }
  Value attention(Value, const Heads&, const Rope*) override { return {0}; }
  Value pool_attention(const Weight&, const Linear&, Value, const Heads&) override { return {0}; }
  Value gated_norm(Value, const Norm&) override { return {0}; }
  Value activation(Value, Activation) override { return {0}; }
  Value add(Value, Value) override { return {0}; }
  Value select_token(Value, int64_t) override { return {0}; }
};

void test_reordered_rows() {
  Weights weights = counting({{"w", {4, 2}}});
  const Weight reordered = reorder_rows(weights.get("w", {4, 2}), {0, 2, 1, 3});
  EXPECT(reordered.name() == "w" && reordered.parameters() == 8);
  EXPECT((numbers(reordered) == std::vector<float>{0, 1, 4, 5, 2, 3, 6, 7}));
  // As a part of a packed weight.
  const Weight packed = pack_rows({weights.get("w", {4, 2}), reordered});
  EXPECT((numbers(packed) == std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 4, 5, 2, 3, 6, 7}));
}

void test_packed_biases() {
  Weights weights = counting({{"a.weight", {2, 2}}, {"a.bias", {2}}, {"b.weight", {1, 2}}});
  const Linear with = linear(weights, "a", 2, 2), without = linear_without_bias(weights, "b", 2, 1);
  EXPECT((numbers(*pack({with, without}).bias) == std::vector<float>{0, 1, 0}));
  EXPECT(!pack({without, without}).bias.has_value());
}

template <typename Tower>
void test_engine_without_text(const Tower& tower) {
  ImagesOnly net;
  Weights none;
  try {
    tower(net, none, {});
    EXPECT(false);
  } catch (const Error& error) {
    EXPECT(error.code() == ErrorCode::kEngineIncompatible);
    EXPECT(std::string(error.what()).find("does not run text towers") != std::string::npos);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests(
      {{"reordered rows", test_reordered_rows},
       {"packed biases", test_packed_biases},
       {"an engine without language models", [] { test_engine_without_text(&llm2clip::llama); }},
       {"an engine without adapters", [] { test_engine_without_text(&llm2clip::adapter); }}});
}
