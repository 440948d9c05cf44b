#include "cuda/driver.h"

#include <dlfcn.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

namespace llm2clip {
namespace {

// The system's loader finds it where NVIDIA's packages, containers and WSL install it.
constexpr const char* kLibrary = "libcuda.so.1";

// The errors that leave a context permanently unusable. The comments are the names in cuda.h after
// CUDA_ERROR_.
bool is_sticky(CudaResult result) {
  switch (result) {
    case 4:    // DEINITIALIZED
    case 214:  // ECC_UNCORRECTABLE
    case 220:  // NVLINK_UNCORRECTABLE
    case 226:  // CONTAINED
    case 700:  // ILLEGAL_ADDRESS
    case 702:  // LAUNCH_TIMEOUT
    case 709:  // CONTEXT_IS_DESTROYED
    case 710:  // ASSERT
    case 714:  // HARDWARE_STACK_ERROR
    case 715:  // ILLEGAL_INSTRUCTION
    case 716:  // MISALIGNED_ADDRESS
    case 717:  // INVALID_ADDRESS_SPACE
    case 718:  // INVALID_PC
    case 719:  // LAUNCH_FAILED
    case 721:  // TENSOR_MEMORY_LEAK
    case 806:  // MPS_RPC_FAILURE
    case 810:  // MPS_CLIENT_TERMINATED
    case 911:  // EXTERNAL_DEVICE
    case 916:  // KEY_ROTATION
    case 999:  // UNKNOWN
      return true;
    default: return false;
  }
}

bool is_unavailable(CudaResult result) {
  switch (result) {
    case 3:    // NOT_INITIALIZED
    case 34:   // STUB_LIBRARY
    case 36:   // CALL_REQUIRES_NEWER_DRIVER
    case 46:   // DEVICE_UNAVAILABLE
    case 100:  // NO_DEVICE
    case 101:  // INVALID_DEVICE
    case 102:  // DEVICE_NOT_LICENSED
    case 209:  // NO_BINARY_FOR_GPU
    case 222:  // UNSUPPORTED_PTX_VERSION
    case 802:  // SYSTEM_NOT_READY
    case 803:  // SYSTEM_DRIVER_MISMATCH
    case 804:  // COMPAT_NOT_SUPPORTED_ON_DEVICE
    case 805:  // MPS_CONNECTION_FAILED
    case 807:  // MPS_SERVER_NOT_READY
    case 808:  // MPS_MAX_CLIENTS_REACHED
    case 809:  // MPS_MAX_CONNECTIONS_REACHED
      return true;
    default: return false;
  }
}

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ErrorCode::kDeviceUnavailable, reason);
}

std::string in_words(const DriverApi& api, CudaResult result) {
  const char* name = nullptr;
  const char* text = nullptr;
  api.error_name(result, &name);
  api.error_string(result, &text);
  const std::string code = name ? name : "error " + std::to_string(result);
  return text ? std::string(text) + " (" + code + ")" : code;
}

void require_version(const DriverApi& api) {
  int version = 0;
  api.driver_version(&version);
  if (version >= kLeastDriverVersion) return;
  refuse("expected an NVIDIA driver for " + cuda_version_name(kLeastDriverVersion) +
         " or newer (580 or newer), found one for " + cuda_version_name(version) +
         "; update the driver");
}

void initialise(const DriverApi& api) {
  const CudaResult result = api.init(0);
  if (result == kCudaSuccess) return;
  if (result == kCudaNoDevice) {
    refuse("expected an NVIDIA GPU, the driver found none (CUDA_VISIBLE_DEVICES may hide it)");
  }
  if (result == kCudaNotInitialized) {
    refuse("CUDA was in use when this process was forked; start it with spawn instead");
  }
  refuse("the NVIDIA driver does not start: " + in_words(api, result));
}

std::unique_ptr<const DriverApi> open_driver() {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    refuse(std::string("expected an NVIDIA driver, found none (") + (reason ? reason : kLibrary) +
           ")");
  }
  auto api = std::make_unique<DriverApi>();
  const char* missing = api->load(library);
  // The version is checked first, because an old driver also lacks functions, and a driver update
  // is the remedy for both.
  if (api->driver_version != nullptr) require_version(*api);
  if (missing != nullptr) refuse(std::string(kLibrary) + " has no " + missing);
  initialise(*api);
  return api;
}

}  // namespace

const DriverApi& cuda_driver() {
  // Never destroyed, because threads may outlive the static objects of this library.
  static auto* const mutex = new std::mutex;
  static std::atomic<const DriverApi*> opened = nullptr;
  if (const DriverApi* api = opened.load(std::memory_order_acquire)) return *api;
  const std::lock_guard lock(*mutex);
  if (opened == nullptr) opened = open_driver().release();
  return *opened;
}

ErrorCode error_code_of(CudaResult result) {
  if (result == kCudaOutOfMemory) return ErrorCode::kOutOfMemory;
  if (is_sticky(result)) return ErrorCode::kDeviceLost;
  return is_unavailable(result) ? ErrorCode::kDeviceUnavailable : ErrorCode::kInternal;
}

void check_cuda(CudaResult result, const char* doing) {
  if (result == kCudaSuccess) return;
  throw Error(error_code_of(result), std::string(doing) + ": " + in_words(cuda_driver(), result));
}

std::string cuda_version_name(int version) {
  return "CUDA " + std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace llm2clip
