#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/workers.h"

namespace llm2clip {

// What a calibration records of a linear layer's input: [2 + kSamples, in] f32, all zeros at first.
// Row 0 is the largest magnitude of each channel over all tokens of all images. Row 1 begins with
// the number of calls. The other rows are tokens from these calls.
constexpr int64_t kSamples = 256;
constexpr int64_t kSamplesPerCall = 8;
constexpr int64_t observation_size(int64_t in) { return (2 + kSamples) * in; }

// Records one call's input x [rows, in].
void record_input(std::span<float> observation, std::span<const float> x, int64_t in);

// Replaces x [rows, in] by what an int8 layer with this smoothing [in] uses: x is divided by the
// smoothing, rounded per row, and multiplied again.
void round_input_as_int8(std::span<float> x, std::span<const float> smoothing);

// Replaces a weight [out, in] in the same way: it is multiplied by the smoothing, rounded per
// output, and divided again.
void round_weight_as_int8(std::span<float> weight, std::span<const float> smoothing);

// The effect of int8 on a linear layer's outputs.
struct Int8Effect {
  double cosine;                 // between its outputs in int8, with the smoothing, and in fp32
  std::vector<float> smoothing;  // [in], the best one found; empty: none helps
};

// Measures the effect on the recorded inputs: SmoothQuant (Xiao et al., arXiv 2211.10438), with a
// strength per layer that is chosen by the outputs for recorded tokens. weight: [out, in].
Int8Effect int8_effect(Workers& workers, std::span<const float> observation,
                       std::span<const float> weight, int64_t in);

}  // namespace llm2clip
