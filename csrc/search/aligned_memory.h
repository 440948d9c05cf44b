#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace llm2clip {

struct FreeAligned {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using AlignedMemory = std::unique_ptr<std::byte, FreeAligned>;

// `alignment` must be a power of two. Throws std::bad_alloc.
inline AlignedMemory allocate_aligned(size_t bytes, size_t alignment) {
  const size_t whole = (bytes + alignment) / alignment * alignment;  // never zero
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(alignment, whole));
  if (memory == nullptr) throw std::bad_alloc();
  return AlignedMemory(memory);
}

}  // namespace llm2clip
