#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace llm2clip {

// CRC-32C (Castagnoli, as in RFC 3720) of `bytes`. To continue a checksum, pass the checksum of the
// preceding bytes as `crc`; pass 0 at the beginning.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t crc = 0);

}  // namespace llm2clip
