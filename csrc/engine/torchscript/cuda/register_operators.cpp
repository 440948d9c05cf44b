#include <c10/cuda/CUDAStream.h>

#include "engine/torchscript/cuda/element_type.h"
#include "engine/torchscript/cuda/operators_cuda.h"

namespace llm2clip {

CudaStreamHandle current_stream(const at::Tensor& tensor) {
  return c10::cuda::getCurrentCUDAStream(tensor.get_device()).stream();
}

TORCH_LIBRARY_IMPL(llm2clip, CUDA, library) {
  implement_operators(library);
  implement_text_operators(library);
}

}  // namespace llm2clip
