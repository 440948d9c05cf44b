#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/row_norm.h"

namespace llm2clip {

// SwiGLU: gate_up [rows, 2 · hidden] → out [rows, hidden] = silu(gate) · up. The reference is
// gate_plain().
template <typename T>
struct CudaGateArguments {
  const T* gate_up;
  T* out;
  int64_t rows;
  int hidden;  // a multiple of 8
};

template <typename T>
LLM2CLIP_HOST_DEVICE int64_t gate_threads(const CudaGateArguments<T>& a) {
  return a.rows * (a.hidden / kChunk);
}

// Each thread computes 8 elements of a row.
template <typename T>
LLM2CLIP_HOST_DEVICE void gate_at(const CudaGateArguments<T>& a, int64_t thread) {
  const int a_row = a.hidden / kChunk;
  const int64_t row = thread / a_row;
  const int first = static_cast<int>(thread % a_row) * kChunk;
  store_chunk(a.out + row * a.hidden + first, GatedRow<T>{a.gate_up, a.hidden}.load(row, first));
}

// T: F16, BF16 or float.
template <typename T>
void gate_cuda(const CudaGateArguments<T>& a, CudaStreamHandle stream);

}  // namespace llm2clip
