#pragma once

#include <memory>

#include "engine/engine.h"

namespace llm2clip {

// The export of llm2clip_torchscript_cuda.so under kCudaSessionsSymbol: everything in the
// TorchScript engine that needs CUDA's libraries. It is in the same folder as
// llm2clip_torchscript.so.
struct CudaSessions {
  int interface_version;  // kPluginInterfaceVersion; must stay the first member
  std::unique_ptr<Session> (*open)(const SessionOptions& options);
};

inline constexpr const char* kCudaSessionsSymbol = "llm2clip_torchscript_cuda_sessions";

// Opens a session on a GPU through that library. libtorch's own CUDA libraries must be open
// already. Throws ERR_DEVICE_UNAVAILABLE with the driver's reason, and ERR_RUNTIME_MISSING.
std::unique_ptr<Session> open_cuda_session(const SessionOptions& options);

}  // namespace llm2clip
