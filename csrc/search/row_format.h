#pragma once

#include <cstddef>
#include <cstdint>

namespace llm2clip {

// How vectors are kept, in memory and in files, whose numbers these are. kInt8: each number divided
// by its row's scale, rounded, plus 128, so that the products of bytes find one side unsigned.
enum class Storage : uint32_t { kFp32 = 0, kFp16 = 1, kInt8 = 2 };

// 255 · 128 · kMostDim: what the products of bytes add up to stays within 32 bits.
constexpr int64_t kMostDim = 65536;
// Rows are known by 32 bits.
constexpr int64_t kMostRows = 0xffffffff;

struct RowFormat {
  Storage storage;
  int64_t dim;

  constexpr size_t number_bytes() const {
    return storage == Storage::kFp32 ? 4 : storage == Storage::kFp16 ? 2 : 1;
  }
  // Of a row without its scale.
  constexpr size_t row_bytes() const { return static_cast<size_t>(dim) * number_bytes(); }
  // From one row to the next in memory: whole cache lines, whose rest is zeros.
  constexpr size_t stride() const { return (row_bytes() + 63) / 64 * 64; }
  constexpr int64_t stride_numbers() const {
    return static_cast<int64_t>(stride() / number_bytes());
  }
  constexpr bool has_scales() const { return storage == Storage::kInt8; }
};

}  // namespace llm2clip
