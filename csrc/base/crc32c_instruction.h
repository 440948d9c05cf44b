#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace llm2clip {

// The processor's instruction for CRC-32C. Each architecture has a file that defines these.
bool has_crc32c();

// Continues a CRC over a multiple of eight bytes. The caller inverts it before and after.
uint32_t crc32c_of_eights(std::span<const std::byte> bytes, uint32_t crc);

}  // namespace llm2clip
