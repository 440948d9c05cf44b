#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "cuda/stream.h"

namespace llm2clip {

// Memory on the device of the current context. All work that uses it must have finished before it
// is destroyed.
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
  // For libraries that take device memory as a pointer. The host must not read through it.
  void* data() const { return reinterpret_cast<void*>(address_); }
  size_t bytes() const { return bytes_; }

 private:
  CudaAddress address_ = 0;
  size_t bytes_ = 0;
};

// Pinned host memory, which the device reads and writes directly. It is pinned for all contexts and
// zeroed.
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

// Starts a copy on the stream. With pageable host memory, the call waits for earlier work on the
// stream.
void copy_to_device(CudaAddress to, std::span<const std::byte> from, const CudaStream& stream);
void copy_to_host(std::span<std::byte> to, CudaAddress from, const CudaStream& stream);
void copy_on_device(CudaAddress to, CudaAddress from, size_t bytes, const CudaStream& stream);

}  // namespace llm2clip
