#pragma once

#include <ATen/ATen.h>

#include <string>

namespace llm2clip {

// What a calibration records of a linear layer's input: [2 + kSamples, in] f32. Row 0 is the
// largest magnitude of each channel over all tokens of all images. Row 1 begins with the number of
// calls. The other rows are tokens from these calls.
constexpr int64_t kSamples = 256;
constexpr int64_t kSamplesPerCall = 8;

inline std::string observation_name(size_t linear) {
  return "observation_" + std::to_string(linear);
}

inline at::Tensor empty_observation(int64_t in) {
  return at::zeros({2 + kSamples, in}, at::kFloat);
}

// Records one call's input [.., in] and returns it. If `observation` is a smoothing [in] instead,
// nothing is recorded: the result is the input as an int8 layer with this smoothing would use it,
// divided by the smoothing, rounded per row, and multiplied again. With this, layer_effects.cpp
// puts a single layer of an fp32 engine into int8.
at::Tensor observe(const at::Tensor& x, at::Tensor observation);

// The parts of an observation.
inline at::Tensor channel_maxima(const at::Tensor& observation) { return observation.select(0, 0); }
at::Tensor samples(const at::Tensor& observation);  // [n, in]

}  // namespace llm2clip
