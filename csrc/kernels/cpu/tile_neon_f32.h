#pragma once

#include "kernels/cpu/tile_neon.h"

namespace llm2clip {

// The Product of f32, for linear layers and attention. It is local to the file that includes this
// one, as tile_neon.h says.
namespace {

struct F32Product {
  using Number = float;
  using Stored = float;
  using Sum = float;
  using Sums = float32x4_t;
  using Weights = float32x4_t;
  static constexpr int64_t kGroup = 1;
  static Sums zero() { return vdupq_n_f32(0); }
  static Weights read(const float* b) { return vld1q_f32(b); }
  static float32x2_t read_group(const float* a) { return vld1_dup_f32(a); }
  static Sums add(Sums sums, Weights weights, float32x2_t x) {
    return vfmaq_lane_f32(sums, weights, x, 0);
  }
  static void store(float* to, Sums sums) { vst1q_f32(to, sums); }
};

}  // namespace
}  // namespace llm2clip
