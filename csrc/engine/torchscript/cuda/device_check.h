#pragma once

#include <c10/cuda/CUDAStream.h>
#include <torch/csrc/jit/api/module.h>

#include <string>

#include "cuda/probe.h"
#include "cuda/stream.h"

namespace llm2clip {

// What each session on a GPU asks of its device, and of an engine file for it.

// Throws ERR_DEVICE_UNAVAILABLE with the driver's reason, and for a GPU older than the kernels are
// compiled for.
CudaDevice usable_device(int index);

// "NVIDIA H100 80GB HBM3, compute capability 9.0"
std::string describe(const CudaDevice& device);

// The type that a native file is computed in. Throws ERR_ENGINE_INCOMPATIBLE for int8, and for bf16
// where the device has none.
at::ScalarType usable_type(const torch::jit::Module& module, const CudaDevice& device);

// A stream of this project's as libtorch has it.
inline c10::cuda::CUDAStream torch_stream(const CudaStream& stream, int index) {
  return c10::cuda::getStreamFromExternal(stream.handle(), static_cast<c10::DeviceIndex>(index));
}

}  // namespace llm2clip
