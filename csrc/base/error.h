#pragma once

#include <stdexcept>
#include <string>

namespace llm2clip {

// The codes of lib/errors.ts that native code can raise.
enum class ErrorCode {
  kInvalidArg,
  kInvalidBuffer,
  kNotFound,
  kCheckpointFormat,
  kCheckpointMismatch,
  kCheckpointNonfinite,
  kCheckpointUnsupported,
  kEngineIncompatible,
  kRuntimeMissing,
  kIndexInvalid,
  kIndexLocked,
  kIo,
  kDeviceUnavailable,
  kOutOfMemory,
  kDeviceLost,
  kQueueFull,
  kTimeout,
  kDisposed,
  kInternal,
};

// For example "ERR_NOT_FOUND".
const char* name(ErrorCode code) noexcept;

// The only exception that csrc throws. Errors of torch and of the system are translated where they
// happen.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace llm2clip
