#include <cstring>

#include "base/crc32c_instruction.h"

namespace llm2clip {

bool has_crc32c() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) uint32_t crc32c_of_eights(std::span<const std::byte> bytes,
                                                            uint32_t crc) {
  uint64_t sum = crc;
  for (size_t i = 0; i < bytes.size(); i += sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, bytes.data() + i, sizeof(eight));
    sum = __builtin_ia32_crc32di(sum, eight);
  }
  return static_cast<uint32_t>(sum);
}

}  // namespace llm2clip
