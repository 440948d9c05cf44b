#pragma once

#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// What queries are multiplied by: the library's attention does not scale.
float attention_scale(const Heads& heads);

// Part i of [B, N, parts · H · dim] → [B, H, N, dim]
Tensor head_part(NetworkWriter& out, Tensor x, int64_t i, const Heads& heads);

// q, k, v [B, H, N, dim], q scaled already → [B, N, H · dim]. By one fused kernel, or the build
// fails: an attention that falls apart would be slow without anybody knowing. Of f32 there is no
// such kernel, and it may.
Tensor attend(NetworkWriter& out, Tensor q, Tensor k, Tensor v, const Heads& heads);

// A rotary embedding, in f32. All blocks turn by the same angles: its tables are there once.
class Turns {
 public:
  // `scale`: that turned vectors are multiplied by.
  explicit Turns(float scale) : scale_(scale) {}
  // x: [B, H, N, dim] → the same.
  Tensor turn(NetworkWriter& out, Tensor x, const Rope& rope);

 private:
  Tensor table(NetworkWriter& out, const std::vector<float>& angles, const Rope& rope, Tensor x);

  float scale_;
  Tensor cos_ = nullptr, sin_ = nullptr;  // f32 [B, N, dim / 2]
};

}  // namespace llm2clip::tensorrt
