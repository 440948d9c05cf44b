#pragma once

#include <c10/util/Exception.h>

#include <string>

#include "cuda/stream.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {

// True when the error means that memory ran out. It may come from the allocator, a launch, cuBLAS
// or cuDNN. The status of the last two is only part of the message.
inline bool means_no_memory(const c10::Error& error) {
  if (dynamic_cast<const c10::OutOfMemoryError*>(&error) != nullptr) return true;
  if (const auto* launch = dynamic_cast<const c10::AcceleratorError*>(&error)) {
    return error_code_of(launch->get_error_code()) == ErrorCode::kOutOfMemory;
  }
  const std::string what = error.what_without_backtrace();
  return what.find("_STATUS_") != std::string::npos && what.find("ALLOC") != std::string::npos;
}

// Translates torch's CUDA errors by the driver's meaning, for example out of memory →
// ERR_OUT_OF_MEMORY. Other CUDA errors become `code`.
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

// Runs `body` on a GPU and translates torch's exceptions to Error. CUDA's libraries may report a
// device error as their own, so the device is checked as well, and the result is ERR_DEVICE_LOST if
// it is lost.
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
