#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "search/aligned_memory.h"
#include "search/row_format.h"

namespace llm2clip {

// A block of consecutive rows.
struct RowBlock {
  AlignedMemory memory;
  std::vector<float> scales;  // for int8 only
  int64_t first_row, capacity;
};

// The rows that a search reads. Existing rows never change.
struct RowSnapshot {
  RowFormat format;
  int64_t count;
  std::vector<std::shared_ptr<const RowBlock>> blocks;
  std::shared_ptr<const std::vector<uint8_t>> removed;  // [≤ count]; nullptr when none is removed

  int64_t rows_in(const RowBlock& block) const;
  bool is_removed(int64_t row) const;
};

// A growing set of rows in blocks that never move. It belongs to one thread. Snapshots may be used
// on any thread.
class VectorRows {
 public:
  explicit VectorRows(RowFormat format) : format_(format) {}

  // vectors: [rows, dim]. Adds all rows, or none if one does not fit the storage or memory runs
  // out. Throws ERR_INVALID_BUFFER, ERR_OUT_OF_MEMORY.
  void add(const float* vectors, int64_t rows);
  // Adds rows as they are stored, without padding. `scales` is for int8 only.
  void add_encoded(const std::byte* numbers, const float* scales, int64_t rows);
  void remove(std::span<const uint32_t> rows);

  RowSnapshot snapshot() const;
  const RowFormat& format() const { return format_; }
  int64_t count() const { return count_; }
  int64_t live() const { return count_ - removed_count_; }
  // Bytes of memory allocated for rows.
  size_t bytes() const { return bytes_; }

 private:
  // Allocates room for `rows` more rows. Throws ERR_OUT_OF_MEMORY.
  void reserve(int64_t rows);
  void add_block();
  template <typename Encode>
  void append(int64_t rows, const Encode& encode);

  RowFormat format_;
  int64_t count_ = 0, capacity_ = 0, removed_count_ = 0;
  size_t bytes_ = 0;
  std::vector<std::shared_ptr<RowBlock>> blocks_;
  std::shared_ptr<std::vector<uint8_t>> removed_;  // copied before a change: snapshots share it
};

}  // namespace llm2clip
