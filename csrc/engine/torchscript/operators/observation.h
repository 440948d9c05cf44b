#pragma once

#include <ATen/ATen.h>

#include <string>

namespace llm2clip {

// What a calibration keeps of the input of a linear: [2 + kSamples, in] f32. Row 0 is the largest
// magnitude of each channel over all tokens of all pictures; row 1 begins with how many calls there
// were; the others are tokens of these calls.
constexpr int64_t kSamples = 256;
constexpr int64_t kSamplesPerCall = 8;

inline std::string observation_name(size_t linear) {
  return "observation_" + std::to_string(linear);
}

inline at::Tensor empty_observation(int64_t in) {
  return at::zeros({2 + kSamples, in}, at::kFloat);
}

// Adds one call's input [.., in], which is given back. In an observation's place there may be a
// smoothing [in] instead: then nothing is kept, and what is given back is the input as an int8
// linear of that smoothing holds it: divided by it, rounded by the row, and multiplied by it. So
// one linear of an fp32 engine is put into int8; layer_effects.cpp does.
at::Tensor observe(const at::Tensor& x, at::Tensor observation);

// The parts of an observation.
inline at::Tensor channel_maxima(const at::Tensor& observation) { return observation.select(0, 0); }
at::Tensor samples(const at::Tensor& observation);  // [n, in]

}  // namespace llm2clip
