#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "search/aligned_memory.h"
#include "search/row_format.h"

namespace llm2clip {

// Rows that lie one after the other.
struct RowBlock {
  AlignedMemory memory;
  std::vector<float> scales;  // of int8
  int64_t first_row, capacity;
};

// What a search sees: rows do not change once they are there.
struct RowSnapshot {
  RowFormat format;
  int64_t count;
  std::vector<std::shared_ptr<const RowBlock>> blocks;
  std::shared_ptr<const std::vector<uint8_t>> removed;  // [≤ count]; nullptr: none

  int64_t rows_in(const RowBlock& block) const;
  bool is_removed(int64_t row) const;
};

// A growing set of rows, in blocks that never move. Belongs to one thread; snapshots to any.
class VectorRows {
 public:
  explicit VectorRows(RowFormat format) : format_(format) {}

  // vectors: [rows, dim]. All are added or, where one does not fit the storage or memory runs out,
  // none. Throws ERR_INVALID_BUFFER, ERR_OUT_OF_MEMORY.
  void add(const float* vectors, int64_t rows);
  // Rows as they are stored, without padding; scales of int8.
  void add_encoded(const std::byte* numbers, const float* scales, int64_t rows);
  void remove(std::span<const uint32_t> rows);

  RowSnapshot snapshot() const;
  const RowFormat& format() const { return format_; }
  int64_t count() const { return count_; }
  int64_t live() const { return count_ - removed_count_; }
  // Of memory taken for rows.
  size_t bytes() const { return bytes_; }

 private:
  // Room for so many more. Throws ERR_OUT_OF_MEMORY.
  void reserve(int64_t rows);
  void add_block();
  template <typename Encode>
  void append(int64_t rows, const Encode& encode);

  RowFormat format_;
  int64_t count_ = 0, capacity_ = 0, removed_count_ = 0;
  size_t bytes_ = 0;
  std::vector<std::shared_ptr<RowBlock>> blocks_;
  std::shared_ptr<std::vector<uint8_t>> removed_;  // copied before it changes
};

}  // namespace llm2clip
