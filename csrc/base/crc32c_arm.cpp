#include <cstring>

#include "base/cpu_features_arm.h"
#include "base/crc32c_instruction.h"

namespace llm2clip {

bool has_crc32c() { return has_crc32(); }

__attribute__((target("+crc"))) uint32_t crc32c_of_eights(std::span<const std::byte> bytes,
                                                          uint32_t crc) {
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, bytes.data() + i, sizeof(eight));
    crc = __builtin_aarch64_crc32cx(crc, eight);
  }
  return crc;
}

}  // namespace llm2clip
