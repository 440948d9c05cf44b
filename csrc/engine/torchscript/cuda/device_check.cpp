#include "engine/torchscript/cuda/device_check.h"

#include "base/error.h"
#include "engine/torchscript/module_names.h"
#include "engine/torchscript/session/loaded_module.h"

namespace llm2clip {
namespace {

// 7.5 is the oldest capability that CUDA 13 supports and kernels.cmake compiles for.
constexpr int kLeastCapability = 75;

}  // namespace

std::string describe(const CudaDevice& device) {
  return device.name + ", compute capability " + std::to_string(device.major) + "." +
         std::to_string(device.minor);
}

CudaDevice usable_device(int index) {
  const CudaProbe probe = probe_cuda();
  if (!probe.problem.empty()) throw Error(ErrorCode::kDeviceUnavailable, probe.problem);
  const CudaDevice& device = probe.devices.at(static_cast<size_t>(index));
  if (10 * device.major + device.minor < kLeastCapability) {
    throw Error(ErrorCode::kDeviceUnavailable,
                "expected a GPU of compute capability 7.5 or newer, found " + describe(device));
  }
  return device;
}

at::ScalarType usable_type(const torch::jit::Module& module, const CudaDevice& device) {
  if (!module.attr(kInt8Weights).toListRef().empty()) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected a bundle of fp32, bf16 or fp16 for a GPU, found int8; convert the "
                "checkpoint with --precision fp16");
  }
  const at::ScalarType type = stored_type(module);
  if (type == at::kBFloat16 && device.major < 8) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected a GPU of compute capability 8.0 for bf16, found " + device.name +
                    "; convert the checkpoint with --precision fp16");
  }
  return type;
}

}  // namespace llm2clip
