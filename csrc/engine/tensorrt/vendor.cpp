#include "engine/tensorrt/vendor.h"

#include <dlfcn.h>

#include "engine/tensorrt/flavour.h"
#include "engine/tensorrt/log.h"

namespace llm2clip::tensorrt {
namespace {

template <typename Function>
Function* function(const char* name) {
  // The library is already open under this name, so no path is searched.
  void* const library = ::dlopen(kFlavour.library, RTLD_NOW | RTLD_NOLOAD);
  void* const found = library ? ::dlsym(library, name) : nullptr;
  if (found == nullptr) {
    throw Error(ErrorCode::kRuntimeMissing, std::string("expected ") + name + " in " +
                                                kFlavour.library + ", found none; " +
                                                "`npx llm2clip runtime info` says what is missing");
  }
  return reinterpret_cast<Function*>(found);
}

int32_t part(const char* name) { return function<int32_t()>(name)(); }

// The interfaces are virtual tables, so a library of another major version must not be called at
// all.
void require_version() {
  const int32_t found = part("getInferLibMajorVersion");
  if (found == NV_TENSORRT_MAJOR) return;
  throw Error(ErrorCode::kEngineIncompatible,
              std::string("expected ") + kFlavour.name + " " + std::to_string(NV_TENSORRT_MAJOR) +
                  "." + std::to_string(NV_TENSORRT_MINOR) + ", found " + library_version());
}

template <typename Interface>
std::unique_ptr<Interface> create(const char* name, const char* doing) {
  require_version();
  Log& log = Log::get();
  log.clear();
  void* const made = function<void*(void*, int32_t)>(name)(&log, NV_TENSORRT_VERSION);
  if (made == nullptr) log.fail(ErrorCode::kEngineIncompatible, doing);
  return std::unique_ptr<Interface>(static_cast<Interface*>(made));
}

}  // namespace

std::unique_ptr<nvinfer1::IBuilder> create_builder() {
  return create<nvinfer1::IBuilder>("createInferBuilder_INTERNAL", "cannot make a builder");
}

std::unique_ptr<nvinfer1::IRuntime> create_runtime() {
  return create<nvinfer1::IRuntime>("createInferRuntime_INTERNAL", "cannot make a runtime");
}

std::string library_version() {
  return std::to_string(part("getInferLibMajorVersion")) + "." +
         std::to_string(part("getInferLibMinorVersion")) + "." +
         std::to_string(part("getInferLibPatchVersion")) + "." +
         std::to_string(part("getInferLibBuildVersion"));
}

}  // namespace llm2clip::tensorrt
