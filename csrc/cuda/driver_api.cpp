#include "cuda/driver_api.h"

#include <dlfcn.h>

namespace llm2clip {
namespace {

// Fills entries of the table by name and remembers the first name that the library lacks.
class Symbols {
 public:
  explicit Symbols(void* library) : library_(library) {}

  template <typename Function>
  void bind(Function*& entry, const char* name) {
    entry = reinterpret_cast<Function*>(::dlsym(library_, name));
    if (entry == nullptr && missing_ == nullptr) missing_ = name;
  }
  const char* missing() const { return missing_; }

 private:
  void* library_;
  const char* missing_ = nullptr;
};

void bind_devices(DriverApi& api, Symbols& symbols) {
  symbols.bind(api.init, "cuInit");
  symbols.bind(api.driver_version, "cuDriverGetVersion");
  symbols.bind(api.error_name, "cuGetErrorName");
  symbols.bind(api.error_string, "cuGetErrorString");
  symbols.bind(api.device_count, "cuDeviceGetCount");
  symbols.bind(api.device_get, "cuDeviceGet");
  symbols.bind(api.device_name, "cuDeviceGetName");
  symbols.bind(api.device_total_memory, "cuDeviceTotalMem_v2");
  symbols.bind(api.device_attribute, "cuDeviceGetAttribute");
  symbols.bind(api.device_uuid, "cuDeviceGetUuid_v2");
  symbols.bind(api.context_retain, "cuDevicePrimaryCtxRetain");
  symbols.bind(api.context_release, "cuDevicePrimaryCtxRelease_v2");
  symbols.bind(api.context_set_current, "cuCtxSetCurrent");
  symbols.bind(api.context_get_current, "cuCtxGetCurrent");
}

void bind_memory(DriverApi& api, Symbols& symbols) {
  symbols.bind(api.memory_info, "cuMemGetInfo_v2");
  symbols.bind(api.memory_allocate, "cuMemAlloc_v2");
  symbols.bind(api.memory_free, "cuMemFree_v2");
  symbols.bind(api.pinned_allocate, "cuMemHostAlloc");
  symbols.bind(api.pinned_free, "cuMemFreeHost");
  symbols.bind(api.copy_to_device, "cuMemcpyHtoDAsync_v2");
  symbols.bind(api.copy_to_host, "cuMemcpyDtoHAsync_v2");
  symbols.bind(api.copy_on_device, "cuMemcpyDtoDAsync_v2");
}

void bind_streams(DriverApi& api, Symbols& symbols) {
  symbols.bind(api.stream_create, "cuStreamCreate");
  symbols.bind(api.stream_destroy, "cuStreamDestroy_v2");
  symbols.bind(api.stream_synchronize, "cuStreamSynchronize");
  symbols.bind(api.stream_wait_event, "cuStreamWaitEvent");
  symbols.bind(api.event_create, "cuEventCreate");
  symbols.bind(api.event_destroy, "cuEventDestroy_v2");
  symbols.bind(api.event_record, "cuEventRecord");
  symbols.bind(api.event_query, "cuEventQuery");
  symbols.bind(api.event_synchronize, "cuEventSynchronize");
  symbols.bind(api.event_elapsed, "cuEventElapsedTime");
}

void bind_graphs(DriverApi& api, Symbols& symbols) {
  symbols.bind(api.capture_begin, "cuStreamBeginCapture_v2");
  symbols.bind(api.capture_end, "cuStreamEndCapture");
  symbols.bind(api.graph_instantiate, "cuGraphInstantiateWithFlags");
  symbols.bind(api.graph_launch, "cuGraphLaunch");
  symbols.bind(api.graph_exec_destroy, "cuGraphExecDestroy");
  symbols.bind(api.graph_destroy, "cuGraphDestroy");
}

}  // namespace

const char* DriverApi::load(void* library) {
  Symbols symbols(library);
  bind_devices(*this, symbols);
  bind_memory(*this, symbols);
  bind_streams(*this, symbols);
  bind_graphs(*this, symbols);
  return symbols.missing();
}

}  // namespace llm2clip
