#include "base/crc32c.h"

#include <array>

#include "base/crc32c_instruction.h"

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

// Uses the processor's CRC instruction for eight bytes at a time. With the table, which takes one
// byte at a time, checking a large index would take seconds.
uint32_t update_fast(std::span<const std::byte> bytes, uint32_t crc) {
  const size_t whole = bytes.size() / sizeof(uint64_t) * sizeof(uint64_t);
  return update_plain(bytes.subspan(whole), crc32c_of_eights(bytes.first(whole), crc));
}

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t crc) {
  static const bool fast = has_crc32c();
  return ~(fast ? update_fast(bytes, ~crc) : update_plain(bytes, ~crc));
}

}  // namespace llm2clip
