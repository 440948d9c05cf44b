#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llm2clip {

struct CudaDevice {
  int index;         // as in "cuda:1"
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::string uuid;  // "GPU-…", as nvidia-smi prints it
  uint64_t memory;   // total memory in bytes
  int major, minor;  // compute capability
};

// What this machine offers for CUDA.
struct CudaProbe {
  std::string problem;  // why CUDA is unavailable; empty when it is available
  int driver_version;   // 13000 for CUDA 13.0; 0 when unknown
  std::vector<CudaDevice> devices;
};

// Opens the driver and asks it. This allocates nothing on a device and creates no context. It never
// throws: an error becomes `problem`.
CudaProbe probe_cuda();

// Returns the index in "cuda" or "cuda:<n>". Throws ERR_DEVICE_UNAVAILABLE for any other device
// name.
int cuda_device_index(const std::string& device);

}  // namespace llm2clip
