#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "cuda/stream.h"

namespace llm2clip {

// Memory of the current context's device. What still uses it must be done before it goes.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  // Throws ERR_OUT_OF_MEMORY.
  explicit DeviceMemory(size_t bytes);
  ~DeviceMemory();
  DeviceMemory(DeviceMemory&& other) noexcept
      : address_(std::exchange(other.address_, 0)), bytes_(std::exchange(other.bytes_, 0)) {}
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  CudaAddress address() const { return address_; }
  // For libraries that take device memory as pointers; not to be read by the host.
  void* data() const { return reinterpret_cast<void*>(address_); }
  size_t bytes() const { return bytes_; }

 private:
  CudaAddress address_ = 0;
  size_t bytes_ = 0;
};

// Host memory that the device copies from and to by itself, of any context. Zeroed.
class PinnedMemory {
 public:
  PinnedMemory() = default;
  // Throws ERR_OUT_OF_MEMORY.
  explicit PinnedMemory(size_t bytes);
  ~PinnedMemory();
  PinnedMemory(PinnedMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PinnedMemory& operator=(PinnedMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }

  std::byte* data() const { return data_; }
  float* floats() const { return reinterpret_cast<float*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

// Begins a copy on the stream. Host memory that is not pinned makes it wait for what goes before.
void copy_to_device(CudaAddress to, std::span<const std::byte> from, const CudaStream& stream);
void copy_to_host(std::span<std::byte> to, CudaAddress from, const CudaStream& stream);
void copy_on_device(CudaAddress to, CudaAddress from, size_t bytes, const CudaStream& stream);

}  // namespace llm2clip
