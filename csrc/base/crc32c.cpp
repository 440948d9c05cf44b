#include "base/crc32c.h"

#include <array>
#include <cstring>

namespace llm2clip {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // bit-reversed

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    table[i] = i;
    for (int bit = 0; bit < 8; ++bit) {
      table[i] = (table[i] >> 1) ^ ((table[i] & 1) != 0 ? kPolynomial : 0);
    }
  }
  return table;
}

uint32_t update_plain(std::span<const std::byte> bytes, uint32_t crc) {
  static constexpr std::array<uint32_t, 256> kTable = make_table();
  for (const std::byte byte : bytes) {
    crc = kTable[(crc ^ static_cast<uint32_t>(byte)) & 0xff] ^ (crc >> 8);
  }
  return crc;
}

// Uses the processor's CRC instruction. With the table, which takes one byte at a time, checking a
// large index would take seconds.
__attribute__((target("sse4.2"))) uint32_t update_sse42(std::span<const std::byte> bytes,
                                                        uint32_t crc) {
  uint64_t sum = crc;
  while (bytes.size() >= sizeof(uint64_t)) {
    uint64_t eight;
    std::memcpy(&eight, bytes.data(), sizeof(eight));
    sum = __builtin_ia32_crc32di(sum, eight);
    bytes = bytes.subspan(sizeof(eight));
  }
  return update_plain(bytes, static_cast<uint32_t>(sum));
}

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t crc) {
  static const bool fast = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("sse4.2") != 0;
  }();
  return ~(fast ? update_sse42(bytes, ~crc) : update_plain(bytes, ~crc));
}

}  // namespace llm2clip
