// A libcuda.so.1 without a GPU: memory comes from malloc, streams run immediately, and graphs
// replay the copies that they recorded. Every call reads its behaviour from LLM2CLIP_FAKE_CUDA:
//   "" or "ok"    two GPUs
//   "old"         a driver for CUDA 12.4
//   "no-device"   a driver that finds no GPU
//   "mismatch"    a driver that does not start
//   "oom"         no device memory is left
//   "lost"        the GPU is lost: an illegal address
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "cuda/driver_api.h"

using namespace llm2clip;

struct CUctx_st {
  int device;
};
struct CUstream_st {
  std::vector<std::function<void()>>* recording = nullptr;
};
struct CUevent_st {};
struct CUgraph_st {
  std::vector<std::function<void()>> work;
};
struct CUgraphExec_st {
  std::vector<std::function<void()>> work;
};

namespace {

constexpr size_t kTotalMemory = size_t{16} << 30;
constexpr int kMismatch = 803, kInvalidDevice = 101, kInvalidValue = 1;

CUctx_st contexts[2] = {{0}, {1}};
thread_local CUctx_st* current = nullptr;
int retained = 0;
std::atomic<int> synchronisations = 0;

bool behaves(const char* mode) {
  const char* asked = std::getenv("LLM2CLIP_FAKE_CUDA");
  return std::strcmp(asked ? asked : "", mode) == 0;
}

CudaResult lost_or_success() { return behaves("lost") ? kCudaIllegalAddress : kCudaSuccess; }

CudaResult work(CUstream_st* stream, const std::function<void()>& body) {
  if (stream != nullptr && stream->recording != nullptr) {
    stream->recording->push_back(body);
    return kCudaSuccess;
  }
  if (behaves("lost")) return kCudaIllegalAddress;
  body();
  return kCudaSuccess;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default"))) CudaResult

EXPORT cuInit(unsigned) {
  if (behaves("no-device")) return kCudaNoDevice;
  return behaves("mismatch") ? kMismatch : kCudaSuccess;
}
EXPORT cuDriverGetVersion(int* version) {
  *version = behaves("old") ? 12040 : 13000;
  return kCudaSuccess;
}
EXPORT cuGetErrorName(CudaResult result, const char** text) {
  static thread_local std::string name;
  name = "CUDA_ERROR_" + std::to_string(result);
  *text = name.c_str();
  return kCudaSuccess;
}
EXPORT cuGetErrorString(CudaResult result, const char** text) {
  *text = result == kCudaOutOfMemory      ? "out of memory"
          : result == kCudaIllegalAddress ? "an illegal memory access was encountered"
          : result == kMismatch ? "system has unsupported display driver / cuda driver combination"
                                : "error";
  return kCudaSuccess;
}

EXPORT cuDeviceGetCount(int* count) {
  *count = 2;
  return kCudaSuccess;
}
EXPORT cuDeviceGet(CudaDeviceOrdinal* device, int index) {
  *device = index;
  return index < 2 ? kCudaSuccess : kInvalidDevice;
}
EXPORT cuDeviceGetName(char* name, int length, CudaDeviceOrdinal device) {
  std::strncpy(name, device == 0 ? "Fake H100" : "Fake RTX 4090", static_cast<size_t>(length));
  return kCudaSuccess;
}
EXPORT cuDeviceTotalMem_v2(size_t* bytes, CudaDeviceOrdinal) {
  *bytes = kTotalMemory;
  return kCudaSuccess;
}
EXPORT cuDeviceGetAttribute(int* value, int attribute, CudaDeviceOrdinal device) {
  if (attribute == 75) {
    *value = device == 0 ? 9 : 8;
  } else if (attribute == 76) {
    *value = device == 0 ? 0 : 9;
  } else {
    return kInvalidValue;
  }
  return kCudaSuccess;
}
EXPORT cuDeviceGetUuid_v2(CudaUuid* uuid, CudaDeviceOrdinal device) {
  for (int i = 0; i < 16; ++i) uuid->bytes[i] = static_cast<unsigned char>(16 * device + i);
  return kCudaSuccess;
}

EXPORT cuDevicePrimaryCtxRetain(CudaContextHandle* context, CudaDeviceOrdinal device) {
  *context = &contexts[device];
  ++retained;
  return lost_or_success();
}
EXPORT cuDevicePrimaryCtxRelease_v2(CudaDeviceOrdinal) {
  --retained;
  return lost_or_success();
}
EXPORT cuCtxSetCurrent(CudaContextHandle context) {
  current = context;
  return lost_or_success();
}
EXPORT cuCtxGetCurrent(CudaContextHandle* context) {
  *context = current;
  return kCudaSuccess;
}

EXPORT cuMemGetInfo_v2(size_t* free, size_t* total) {
  *free = behaves("oom") ? 0 : kTotalMemory / 2;
  *total = kTotalMemory;
  return lost_or_success();
}
EXPORT cuMemAlloc_v2(CudaAddress* address, size_t bytes) {
  if (behaves("oom")) return kCudaOutOfMemory;
  *address = reinterpret_cast<CudaAddress>(std::malloc(bytes));
  return lost_or_success();
}
EXPORT cuMemFree_v2(CudaAddress address) {
  std::free(reinterpret_cast<void*>(address));
  return lost_or_success();
}
EXPORT cuMemHostAlloc(void** address, size_t bytes, unsigned) {
  *address = std::aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
  return lost_or_success();
}
EXPORT cuMemFreeHost(void* address) {
  std::free(address);
  return lost_or_success();
}
EXPORT cuMemcpyHtoDAsync_v2(CudaAddress to, const void* from, size_t bytes,
                            CudaStreamHandle stream) {
  return work(stream, [=] { std::memcpy(reinterpret_cast<void*>(to), from, bytes); });
}
EXPORT cuMemcpyDtoHAsync_v2(void* to, CudaAddress from, size_t bytes, CudaStreamHandle stream) {
  return work(stream, [=] { std::memcpy(to, reinterpret_cast<void*>(from), bytes); });
}

EXPORT cuMemcpyDtoDAsync_v2(CudaAddress to, CudaAddress from, size_t bytes,
                            CudaStreamHandle stream) {
  return work(stream, [=] {
    std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes);
  });
}

EXPORT cuStreamCreate(CudaStreamHandle* stream, unsigned) {
  *stream = new CUstream_st;
  return lost_or_success();
}
EXPORT cuStreamDestroy_v2(CudaStreamHandle stream) {
  delete stream;
  return lost_or_success();
}
EXPORT cuStreamSynchronize(CudaStreamHandle) {
  ++synchronisations;
  return lost_or_success();
}
EXPORT cuStreamWaitEvent(CudaStreamHandle, CudaEventHandle, unsigned) { return lost_or_success(); }

EXPORT cuEventCreate(CudaEventHandle* event, unsigned) {
  *event = new CUevent_st;
  return lost_or_success();
}
EXPORT cuEventDestroy_v2(CudaEventHandle event) {
  delete event;
  return lost_or_success();
}
EXPORT cuEventRecord(CudaEventHandle, CudaStreamHandle) { return lost_or_success(); }
EXPORT cuEventQuery(CudaEventHandle) { return lost_or_success(); }
EXPORT cuEventSynchronize(CudaEventHandle) { return lost_or_success(); }
EXPORT cuEventElapsedTime(float* milliseconds, CudaEventHandle, CudaEventHandle) {
  *milliseconds = 1;
  return lost_or_success();
}

EXPORT cuStreamBeginCapture_v2(CudaStreamHandle stream, int) {
  stream->recording = new std::vector<std::function<void()>>;
  return lost_or_success();
}
EXPORT cuStreamEndCapture(CudaStreamHandle stream, CudaGraphHandle* graph) {
  *graph = new CUgraph_st{std::move(*stream->recording)};
  delete stream->recording;
  stream->recording = nullptr;
  return lost_or_success();
}
EXPORT cuGraphInstantiateWithFlags(CudaGraphExecHandle* exec, CudaGraphHandle graph,
                                   unsigned long long) {
  if (behaves("oom")) return kCudaOutOfMemory;
  *exec = new CUgraphExec_st{graph->work};
  return lost_or_success();
}
EXPORT cuGraphLaunch(CudaGraphExecHandle exec, CudaStreamHandle stream) {
  for (const auto& body : exec->work) work(stream, body);
  return lost_or_success();
}
EXPORT cuGraphExecDestroy(CudaGraphExecHandle exec) {
  delete exec;
  return lost_or_success();
}
EXPORT cuGraphDestroy(CudaGraphHandle graph) {
  delete graph;
  return lost_or_success();
}

// For tests: the number of contexts that are retained.
extern "C" __attribute__((visibility("default"))) int llm2clip_fake_contexts() { return retained; }
// For tests: how often a stream was waited for.
extern "C" __attribute__((visibility("default"))) int llm2clip_fake_synchronisations() {
  return synchronisations;
}
