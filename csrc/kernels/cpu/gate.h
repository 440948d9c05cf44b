#pragma once

#include <cstdint>

namespace llm2clip {

// SwiGLU: gate_up [rows, 2H] → out [rows, H] = silu(gate) · up.

// The plain reference, in double, for rows first to last − 1.
void gate_plain(const float* gate_up, float* out, int64_t hidden, int64_t first, int64_t last);

// The fast kernel. T: float, or uint16_t for bf16.
template <typename T>
void gate_rows(const T* gate_up, T* out, int64_t hidden, int64_t first, int64_t last);

}  // namespace llm2clip
