#include "cuda/memory.h"

#include <cstring>
#include <string>

namespace llm2clip {
namespace {

// CU_MEMHOSTALLOC_PORTABLE: the memory is pinned for all contexts.
constexpr unsigned kPortable = 1;

std::string cannot_allocate(size_t bytes, const char* kind) {
  return "cannot allocate " + std::to_string((bytes + (1U << 20) - 1) >> 20) + " MiB of " + kind;
}

}  // namespace

DeviceMemory::DeviceMemory(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  check_cuda(cuda_driver().memory_allocate(&address_, bytes),
             cannot_allocate(bytes, "GPU memory").c_str());
}

DeviceMemory::~DeviceMemory() {
  if (address_ != 0) cuda_driver().memory_free(address_);
}

PinnedMemory::PinnedMemory(size_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  void* data = nullptr;
  check_cuda(cuda_driver().pinned_allocate(&data, bytes, kPortable),
             cannot_allocate(bytes, "pinned memory").c_str());
  data_ = static_cast<std::byte*>(data);
  std::memset(data_, 0, bytes);
}

PinnedMemory::~PinnedMemory() {
  if (data_ != nullptr) cuda_driver().pinned_free(data_);
}

void copy_to_device(CudaAddress to, std::span<const std::byte> from, const CudaStream& stream) {
  check_cuda(cuda_driver().copy_to_device(to, from.data(), from.size(), stream.handle()),
             "cannot copy to the GPU");
}

void copy_to_host(std::span<std::byte> to, CudaAddress from, const CudaStream& stream) {
  check_cuda(cuda_driver().copy_to_host(to.data(), from, to.size(), stream.handle()),
             "cannot copy from the GPU");
}

void copy_on_device(CudaAddress to, CudaAddress from, size_t bytes, const CudaStream& stream) {
  check_cuda(cuda_driver().copy_on_device(to, from, bytes, stream.handle()),
             "cannot copy on the GPU");
}

}  // namespace llm2clip
