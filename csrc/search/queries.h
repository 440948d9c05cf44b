#pragma once

#include <cstdint>
#include <vector>

#include "search/aligned_memory.h"
#include "search/row_format.h"

namespace llm2clip {

// Query vectors in the layout that the kernels read. They are padded with zeros to the rows'
// stride.
class Queries {
 public:
  // vectors: [count, format.dim], finite.
  Queries(const float* vectors, int64_t count, const RowFormat& format);

  int64_t count() const { return count_; }
  const RowFormat& format() const { return format_; }

  // For rows of fp32 and fp16: [stride_numbers], 64-byte aligned.
  const float* numbers(int64_t query) const { return numbers_of(memory_, query); }

  // For int8 rows. The query is rounded to 16 bits, which is more precise than the rows are, and is
  // stored as two bytes: 256 · high + low. Sums of products thus stay integers.
  const int8_t* high(int64_t query) const { return plane(2 * query); }
  const int8_t* low(int64_t query) const { return plane(2 * query + 1); }
  // The sum of the 16-bit numbers, and the value of one unit of them.
  int64_t sum(int64_t query) const { return sums_[static_cast<size_t>(query)]; }
  double scale(int64_t query) const { return scales_[static_cast<size_t>(query)]; }

 private:
  const float* numbers_of(const AlignedMemory& memory, int64_t query) const {
    return reinterpret_cast<const float*>(memory.get()) + query * format_.stride_numbers();
  }
  int8_t* plane(int64_t index) const {
    return reinterpret_cast<int8_t*>(memory_.get()) + index * format_.stride_numbers();
  }
  void round_to_planes(const float* vector, int64_t query);

  RowFormat format_;
  int64_t count_;
  AlignedMemory memory_;
  std::vector<int64_t> sums_;   // for int8 only
  std::vector<double> scales_;  // for int8 only
};

}  // namespace llm2clip
