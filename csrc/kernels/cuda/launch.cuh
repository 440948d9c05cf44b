#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "cuda/driver_api.h"

namespace llm2clip {

// Throws what a cudaError_t means: memory, a lost device, or a defect of this project. Those of the
// runtime library that are asked for here have the driver's numbers.
void check_launch(int error);

inline unsigned blocks_of(int64_t items, int64_t an_each) {
  return static_cast<unsigned>((items + an_each - 1) / an_each);
}

// Launches a kernel on the stream, unless there are no blocks: CUDA rejects an empty grid.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), unsigned blocks, unsigned threads,
            CudaStreamHandle stream, Arguments&&... arguments) {
  if (blocks == 0) return;
  kernel<<<blocks, threads, 0, stream>>>(static_cast<Arguments&&>(arguments)...);
  check_launch(cudaGetLastError());
}

}  // namespace llm2clip
