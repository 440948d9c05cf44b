#pragma once

#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/jit/api/module.h>

#include <string>

#include "cuda/probe.h"
#include "cuda/stream.h"

namespace llm2clip {

// The checks of a device and an engine file that every session on a GPU makes.

// Throws ERR_DEVICE_UNAVAILABLE with the driver's reason, also for a GPU that is older than the
// kernels are compiled for.
CudaDevice usable_device(int index);

// For example "NVIDIA H100 80GB HBM3, compute capability 9.0".
std::string describe(const CudaDevice& device);

// Returns the type that a native file computes in. Throws ERR_ENGINE_INCOMPATIBLE for int8, and for
// bf16 when the device does not support it.
at::ScalarType usable_type(const torch::jit::Module& module, const CudaDevice& device);

// Wraps one of this project's streams for libtorch.
inline c10::cuda::CUDAStream torch_stream(const CudaStream& stream, int index) {
  return c10::cuda::getStreamFromExternal(stream.handle(), static_cast<c10::DeviceIndex>(index));
}

}  // namespace llm2clip
