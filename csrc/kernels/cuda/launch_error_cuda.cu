#include <string>

#include "cuda/driver.h"
#include "kernels/cuda/launch.cuh"

namespace llm2clip {

void check_launch(int error) {
  if (error == cudaSuccess) return;
  throw Error(error_code_of(error), std::string("cannot run on the GPU: ") +
                                        cudaGetErrorString(static_cast<cudaError_t>(error)));
}

}  // namespace llm2clip
