#include "engine/plugin.h"

#include <dlfcn.h>

#include "base/error.h"
#include "engine/only_copy.h"

namespace llm2clip {
namespace {

void* open_library(const std::string& path) {
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) {
    const char* reason = ::dlerror();
    throw Error(ErrorCode::kRuntimeMissing,
                std::string("cannot open ") + (reason ? reason : path.c_str()) +
                    "; `npx llm2clip runtime info` says what is missing");
  }
  return handle;
}

}  // namespace

std::shared_ptr<Engine> open_plugin(const std::string& path,
                                    const std::vector<std::string>& libraries) {
  require_only_plugin(path);
  for (const std::string& library : libraries) require_only_copy(library);
  for (const std::string& library : libraries) open_library(library);
  void* handle = open_library(path);
  const auto* plugin = static_cast<const Plugin*>(::dlsym(handle, kPluginSymbol));
  if (plugin == nullptr || plugin->interface_version != kPluginInterfaceVersion) {
    const std::string found = plugin ? std::to_string(plugin->interface_version) : "none";
    throw Error(ErrorCode::kEngineIncompatible,
                "expected engine interface " + std::to_string(kPluginInterfaceVersion) + " in " +
                    path + ", found " + found + "; reinstall llm2clip");
  }
  return plugin->create();
}

}  // namespace llm2clip
