#pragma once

#include <cstdint>

namespace llm2clip {

// Splits packed rows and applies RoPE to q and k:
// qkv [rows, 3, heads, dim] → q and k [rows, heads, dim]. For each pair of neighbours:
// (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).
struct RopeArguments {
  int64_t tokens, heads, dim;
  const float* cos;  // [tokens, dim]
  const float* sin;  // [tokens, dim]
};

// Processes rows first to last − 1 of all B · tokens rows. T: float, or uint16_t for bf16.
template <typename T>
void rope_rows(const T* qkv, T* q, T* k, const RopeArguments& a, int64_t first, int64_t last);

}  // namespace llm2clip
