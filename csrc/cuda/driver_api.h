#pragma once

#include <cstddef>

// The part of CUDA's driver library that this project uses. It is declared here, so that no CUDA
// header and no stub library is needed to build. Names and versions (_v2) are those that
// libcuda.so.1 exports. The types have the same layout as those of cuda.h. Streams, events and
// graphs are the same objects as in the CUDA runtime library.
struct CUctx_st;
struct CUstream_st;
struct CUevent_st;
struct CUgraph_st;
struct CUgraphExec_st;

namespace llm2clip {

using CudaResult = int;
using CudaDeviceOrdinal = int;
using CudaAddress = unsigned long long;  // CUdeviceptr
using CudaContextHandle = ::CUctx_st*;
using CudaStreamHandle = ::CUstream_st*;
using CudaEventHandle = ::CUevent_st*;
using CudaGraphHandle = ::CUgraph_st*;
using CudaGraphExecHandle = ::CUgraphExec_st*;

struct CudaUuid {
  unsigned char bytes[16];
};

// The function table. load() sets every entry.
struct DriverApi {
  CudaResult (*init)(unsigned flags);
  CudaResult (*driver_version)(int* version);
  CudaResult (*error_name)(CudaResult result, const char** text);
  CudaResult (*error_string)(CudaResult result, const char** text);

  CudaResult (*device_count)(int* count);
  CudaResult (*device_get)(CudaDeviceOrdinal* device, int index);
  CudaResult (*device_name)(char* name, int length, CudaDeviceOrdinal device);
  CudaResult (*device_total_memory)(size_t* bytes, CudaDeviceOrdinal device);
  CudaResult (*device_attribute)(int* value, int attribute, CudaDeviceOrdinal device);
  CudaResult (*device_uuid)(CudaUuid* uuid, CudaDeviceOrdinal device);

  CudaResult (*context_retain)(CudaContextHandle* context, CudaDeviceOrdinal device);
  CudaResult (*context_release)(CudaDeviceOrdinal device);
  CudaResult (*context_set_current)(CudaContextHandle context);
  CudaResult (*context_get_current)(CudaContextHandle* context);

  CudaResult (*memory_info)(size_t* free, size_t* total);
  CudaResult (*memory_allocate)(CudaAddress* address, size_t bytes);
  CudaResult (*memory_free)(CudaAddress address);
  CudaResult (*pinned_allocate)(void** address, size_t bytes, unsigned flags);
  CudaResult (*pinned_free)(void* address);
  CudaResult (*copy_to_device)(CudaAddress to, const void* from, size_t bytes,
                               CudaStreamHandle stream);
  CudaResult (*copy_to_host)(void* to, CudaAddress from, size_t bytes, CudaStreamHandle stream);
  CudaResult (*copy_on_device)(CudaAddress to, CudaAddress from, size_t bytes,
                               CudaStreamHandle stream);

  CudaResult (*stream_create)(CudaStreamHandle* stream, unsigned flags);
  CudaResult (*stream_destroy)(CudaStreamHandle stream);
  CudaResult (*stream_synchronize)(CudaStreamHandle stream);
  CudaResult (*stream_wait_event)(CudaStreamHandle stream, CudaEventHandle event, unsigned flags);

  CudaResult (*event_create)(CudaEventHandle* event, unsigned flags);
  CudaResult (*event_destroy)(CudaEventHandle event);
  CudaResult (*event_record)(CudaEventHandle event, CudaStreamHandle stream);
  CudaResult (*event_query)(CudaEventHandle event);
  CudaResult (*event_synchronize)(CudaEventHandle event);
  CudaResult (*event_elapsed)(float* milliseconds, CudaEventHandle begin, CudaEventHandle end);

  CudaResult (*capture_begin)(CudaStreamHandle stream, int mode);
  CudaResult (*capture_end)(CudaStreamHandle stream, CudaGraphHandle* graph);
  CudaResult (*graph_instantiate)(CudaGraphExecHandle* exec, CudaGraphHandle graph,
                                  unsigned long long flags);
  CudaResult (*graph_launch)(CudaGraphExecHandle exec, CudaStreamHandle stream);
  CudaResult (*graph_exec_destroy)(CudaGraphExecHandle exec);
  CudaResult (*graph_destroy)(CudaGraphHandle graph);

  // Fills the table from a library that dlopen returned. Returns the name of a function that the
  // library lacks, or nullptr when it has them all.
  const char* load(void* library);
};

// The values of CUDA_SUCCESS and CUDA_ERROR_… in cuda.h.
inline constexpr CudaResult kCudaSuccess = 0;
inline constexpr CudaResult kCudaOutOfMemory = 2;
inline constexpr CudaResult kCudaNotInitialized = 3;
inline constexpr CudaResult kCudaNoDevice = 100;
inline constexpr CudaResult kCudaNotReady = 600;
inline constexpr CudaResult kCudaIllegalAddress = 700;

}  // namespace llm2clip
