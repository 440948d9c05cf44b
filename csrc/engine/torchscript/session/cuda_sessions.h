#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// What llm2clip_torchscript_cuda.so exports under kCudaSessionsSymbol: all of the TorchScript
// engine that needs CUDA's libraries. It lies beside llm2clip_torchscript.so.
struct CudaSessions {
  int interface_version;  // kPluginInterfaceVersion; comes first and stays first
  std::unique_ptr<Session> (*open)(const SessionOptions& options);
};

inline constexpr const char* kCudaSessionsSymbol = "llm2clip_torchscript_cuda_sessions";

// Opens a session on a GPU through it. libtorch's own CUDA libraries have been opened before.
// Throws ERR_DEVICE_UNAVAILABLE with the driver's reason, ERR_RUNTIME_MISSING.
std::unique_ptr<Session> open_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
