#include "base/error.h"

namespace llm2clip {

const char* name(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArg: return "ERR_INVALID_ARG";
    case ErrorCode::kInvalidBuffer: return "ERR_INVALID_BUFFER";
    case ErrorCode::kNotFound: return "ERR_NOT_FOUND";
    case ErrorCode::kCheckpointFormat: return "ERR_CHECKPOINT_FORMAT";
    case ErrorCode::kCheckpointMismatch: return "ERR_CHECKPOINT_MISMATCH";
    case ErrorCode::kCheckpointNonfinite: return "ERR_CHECKPOINT_NONFINITE";
    case ErrorCode::kCheckpointUnsupported: return "ERR_CHECKPOINT_UNSUPPORTED";
    case ErrorCode::kEngineIncompatible: return "ERR_ENGINE_INCOMPATIBLE";
    case ErrorCode::kRuntimeMissing: return "ERR_RUNTIME_MISSING";
    case ErrorCode::kIndexInvalid: return "ERR_INDEX_INVALID";
    case ErrorCode::kIndexLocked: return "ERR_INDEX_LOCKED";
    case ErrorCode::kIo: return "ERR_IO";
    case ErrorCode::kDeviceUnavailable: return "ERR_DEVICE_UNAVAILABLE";
    case ErrorCode::kOutOfMemory: return "ERR_OUT_OF_MEMORY";
    case ErrorCode::kDeviceLost: return "ERR_DEVICE_LOST";
    case ErrorCode::kQueueFull: return "ERR_QUEUE_FULL";
    case ErrorCode::kTimeout: return "ERR_TIMEOUT";
    case ErrorCode::kDisposed: return "ERR_DISPOSED";
    case ErrorCode::kInternal: return "ERR_INTERNAL";
  }
  return "ERR_INTERNAL";
}

}  // namespace llm2clip
