#pragma once

#include <string>

#include "base/error.h"
#include "cuda/driver_api.h"

namespace llm2clip {

// CUDA 13.0, in the form of cuDriverGetVersion(). libtorch and the engines are built for it.
inline constexpr int kLeastDriverVersion = 13000;

// The driver's library. The first call of a process opens and initialises it. Throws
// ERR_DEVICE_UNAVAILABLE with the reason; a later call tries again. Callable from any thread.
const DriverApi& cuda_driver();

// What a driver error means to a session: out of memory, a lost device or an unavailable device.
// Any other error is a defect of this project: ERR_INTERNAL.
ErrorCode error_code_of(CudaResult result);

// Throws an Error for any result but success. The message is "<doing>: <the driver's text>".
void check_cuda(CudaResult result, const char* doing);

// For example "CUDA 13.0" for 13000.
std::string cuda_version_name(int version);

}  // namespace llm2clip
