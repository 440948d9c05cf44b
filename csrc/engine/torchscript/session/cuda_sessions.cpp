#include "engine/torchscript/session/cuda_sessions.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "cuda/driver.h"

namespace llm2clip {
namespace {

// The path of this library. The other one is in the same folder.
std::filesystem::path own_path() {
  Dl_info info{};
  ::dladdr(reinterpret_cast<const void*>(&open_cuda_session), &info);
  return info.dli_fname;
}

const CudaSessions& cuda_sessions() {
  const auto path = own_path().replace_filename("llm2clip_torchscript_cuda.so");
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorCode::kRuntimeMissing, std::string("cannot open ") +
                                                (reason ? reason : path.c_str()) +
                                                "; run: npx llm2clip runtime install --cuda");
  }
  const auto* sessions = static_cast<const CudaSessions*>(::dlsym(library, kCudaSessionsSymbol));
  if (sessions == nullptr || sessions->interface_version != kPluginInterfaceVersion) {
    throw Error(ErrorCode::kEngineIncompatible,
                "expected engine interface " + std::to_string(kPluginInterfaceVersion) + " in " +
                    path.string() + ", found another; reinstall llm2clip");
  }
  return *sessions;
}

}  // namespace

std::unique_ptr<Session> open_cuda_session(const SessionOptions& options) {
  // The driver's error is more useful than that of a library that misses the driver.
  cuda_driver();
  return cuda_sessions().open(options);
}

}  // namespace llm2clip
