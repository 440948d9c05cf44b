#include <random>

#include "base/float_convert.h"
#include "engine/cpu/plan.h"
#include "engine/cpu/tools/cpu_tools.h"
#include "ops/int8_rounding.h"
#include "ops/linear.h"
#include "ops/team.h"

namespace llm2clip::cpu {
namespace {

std::vector<float> random_numbers(int64_t count) {
  std::minstd_rand random(1);
  std::normal_distribution<float> normal;
  std::vector<float> numbers(static_cast<size_t>(count));
  for (float& number : numbers) number = normal(random);
  return numbers;
}

// Numbers in 16 or 32 bits.
std::vector<std::byte> converted(const std::vector<float>& numbers, Dtype dtype) {
  std::vector<std::byte> bytes(numbers.size() * size_of(dtype));
  from_float(numbers.data(), dtype, bytes.data(), numbers.size());
  return bytes;
}

// A layer with random weights and inputs, prepared to run.
class Layer {
 public:
  explicit Layer(const LinearSpec& spec) : spec_(spec) {
    const WeightType type = weight_type(spec.precision);
    const std::vector<float> weight = random_numbers(spec.out * spec.in);
    const int64_t panels = linear_panels(spec.out);
    std::byte* const to = panels_.of(static_cast<size_t>(panels * panel_bytes(type, spec.in)));
    const auto pack = [&](const void* from) {
      pack_panels(type, from, to, spec.out, spec.in, 0, panels);
    };
    if (type == WeightType::kInt8) {
      const Int8Matrix rounded = rounded_to_int8(weight, spec.in);
      scales_ = rounded.scales;
      pack(rounded.values.data());
    } else {
      pack(converted(weight, dtype_of(type)).data());
    }
    weight_ = {.type = type, .panels = to, .out = spec.out, .in = spec.in, .scales = scales()};
    element_ = compute_element(type);
    x_ = converted(random_numbers(spec.rows * spec.in), dtype());
    out_.resize(static_cast<size_t>(spec.rows * spec.out) * size_of(element_));
    room_memory_.of(linear_room(weight_, spec.rows));
  }

  void run(Workers& workers) {
    linear(workers, weight_, {x_.data(), element_, spec_.rows, spec_.in},
           {out_.data(), element_, spec_.rows, spec_.out}, room_memory_.of(0));
  }

 private:
  Dtype dtype() const { return element_ == Element::kF32 ? Dtype::kF32 : Dtype::kBF16; }
  const float* scales() const { return scales_.empty() ? nullptr : scales_.data(); }

  LinearSpec spec_;
  LinearWeight weight_{};
  Element element_ = Element::kF32;
  Scratch panels_, room_memory_;
  std::vector<float> scales_;
  std::vector<std::byte> x_, out_;
};

}  // namespace

double linear_gflops(const LinearSpec& spec) {
  Team team(spec.threads);
  Layer layer(spec);
  return fastest_gflops(spec, [&] { layer.run(team); });
}

}  // namespace llm2clip::cpu
