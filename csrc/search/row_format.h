#pragma once

#include <cstddef>
#include <cstdint>

namespace llm2clip {

// How vectors are stored, in memory and in files; files contain these values. kInt8 stores each
// number divided by its row's scale, rounded, plus 128, because the byte products need one unsigned
// operand.
enum class Storage : uint32_t { kFp32 = 0, kFp16 = 1, kInt8 = 2 };

// Sums of byte products are at most 255 · 128 · kMostDim, which fits into 32 bits.
constexpr int64_t kMostDim = 65536;
// Row numbers have 32 bits.
constexpr int64_t kMostRows = 0xffffffff;

struct RowFormat {
  Storage storage;
  int64_t dim;

  constexpr size_t number_bytes() const {
    return storage == Storage::kFp32 ? 4 : storage == Storage::kFp16 ? 2 : 1;
  }
  // Bytes of a row without its scale.
  constexpr size_t row_bytes() const { return static_cast<size_t>(dim) * number_bytes(); }
  // Bytes from one row to the next in memory. A stride is whole cache lines; the padding is zeros.
  constexpr size_t stride() const { return (row_bytes() + 63) / 64 * 64; }
  constexpr int64_t stride_numbers() const {
    return static_cast<int64_t>(stride() / number_bytes());
  }
  constexpr bool has_scales() const { return storage == Storage::kInt8; }
};

}  // namespace llm2clip
