#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "cuda/stream.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {

// Whether it says that memory ran out: the allocator, a launch, cuBLAS or cuDNN, whose statuses are
// words alone.
inline bool means_no_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (const auto* launch = dynamic_cast<const c10::AcceleratorError*>(&error)) {
    return error_code_of(launch->get_error_code()) == ErrorCode::kOutOfMemory;
  }
  const std::string what = error.what_without_backtrace();
  return what.find("_STATUS_") != std::string::npos && what.find("ALLOC") != std::string::npos;
}

// What torch throws of CUDA's errors, with the driver's own meaning: memory → ERR_OUT_OF_MEMORY,
// and so on; what means nothing there → `code`.
template <typename Body>
auto translating_accelerator_errors(ErrorCode code, const std::string& doing, Body&& body) {
  try {
    return body();
  } catch (const c10::AcceleratorError& error) {
    const ErrorCode found = error_code_of(error.get_error_code());
    throw Error(found == ErrorCode::kInternal ? code : found,
                doing + ": " + first_line(error.what_without_backtrace()));
  } catch (const c10::Error& error) {
    if (!means_no_memory(error)) throw;
    throw Error(ErrorCode::kOutOfMemory, doing + ": " + first_line(error.what_without_backtrace()));
  }
}

// Runs `body` on a GPU; what torch throws becomes an Error. CUDA's libraries report an error of the
// device as one of their own, so that the device is asked as well: ERR_DEVICE_LOST when it is.
template <typename Body>
auto translating_cuda_errors(ErrorCode code, const std::string& doing, const CudaStream& stream,
                             Body&& body) {
  try {
    return translating_torch_errors(
        code, doing, [&] { return translating_accelerator_errors(code, doing, body); });
  } catch (const Error& error) {
    const CudaResult device = cuda_driver().stream_synchronize(stream.handle());
    const bool lost =
        error.code() == ErrorCode::kDeviceLost || error_code_of(device) == ErrorCode::kDeviceLost;
    if (!lost) throw;
    throw Error(ErrorCode::kDeviceLost,
                std::string(error.what()) + "; the GPU is lost to this process: start it again");
  }
}

}  // namespace llm2clip
