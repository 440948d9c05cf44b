#pragma once

#include <string>

#include "base/error.h"
#include "cuda/driver_api.h"

namespace llm2clip {

// CUDA 13.0, as cuDriverGetVersion() puts it: what libtorch and the engines are built for.
inline constexpr int kLeastDriverVersion = 13000;

// The driver's library, opened and initialised at the first call, once a process. Throws
// ERR_DEVICE_UNAVAILABLE with the reason; a later call tries again. From any thread.
const DriverApi& cuda_driver();

// What a result means to a session: memory, a device that is lost, or one that cannot be had. What
// is none of these is ERR_INTERNAL: a defect of this project.
ErrorCode error_code_of(CudaResult result);

// Throws what the result means, unless it is success: "<doing>: <what the driver says>".
void check_cuda(CudaResult result, const char* doing);

// "CUDA 13.0" of 13000.
std::string cuda_version_name(int version);

}  // namespace llm2clip
