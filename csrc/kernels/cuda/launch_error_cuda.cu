#include "kernels/cuda/launch_error.h"

#include <cuda_runtime_api.h>

#include <string>

#include "cuda/driver.h"

namespace llm2clip {

void check_launch(int error) {
  if (error == cudaSuccess) return;
  throw Error(error_code_of(error), std::string("cannot run on the GPU: ") +
                                        cudaGetErrorString(static_cast<cudaError_t>(error)));
}

}  // namespace llm2clip
