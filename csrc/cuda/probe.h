#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llm2clip {

struct CudaDevice {
  int index;         // as in "cuda:1"
  std::string name;  // "NVIDIA H100 80GB HBM3"
  std::string uuid;  // "GPU-…", as nvidia-smi prints it
  uint64_t memory;   // bytes, all of it
  int major, minor;  // compute capability
};

// What this machine has for CUDA.
struct CudaProbe {
  std::string problem;  // why there is nothing to be had; empty when there is
  int driver_version;   // 13000 for CUDA 13.0; 0 unknown
  std::vector<CudaDevice> devices;
};

// Asks the driver, and opens it for that: nothing on a device is allocated and no context is made.
// Never throws: what is wrong becomes `problem`.
CudaProbe probe_cuda();

// Index of "cuda" or "cuda:<n>". Throws ERR_DEVICE_UNAVAILABLE for another device's name.
int cuda_device_index(const std::string& device);

}  // namespace llm2clip
