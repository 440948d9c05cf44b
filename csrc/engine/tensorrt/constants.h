#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/net.h"

namespace llm2clip::tensorrt {

// Numbers as layers want them. Knows no TensorRT.

// A dimension that tensor cores read and write at full speed: itself where its rows of 16 bits
// begin at 16 bytes, else the next multiple of 64 (2730 → 2752).
int64_t padded_size(int64_t size);

// A matrix of blocks one below the other, [blocks · rows, columns], each with zeros below and to
// the right: [blocks · padded_rows, padded_columns].
struct Padding {
  int64_t blocks, rows, columns;
  int64_t padded_rows, padded_columns;

  bool changes() const { return rows != padded_rows || columns != padded_columns; }
  int64_t padded_elements() const { return blocks * padded_rows * padded_columns; }
};

// `element`: bytes of one number.
std::vector<std::byte> pad(std::span<const std::byte> matrix, size_t element,
                           const Padding& padding);

// Of a table [tokens, dim] in which neighbours turn by one angle, one of each pair, times `scale`:
// [tokens, dim / 2].
std::vector<float> one_of_each_pair(std::span<const float> table, float scale);

// `count` ones, then zeros up to `padded`.
std::vector<float> ones_then_zeros(int64_t count, int64_t padded);

// The projection [D] of a learned query [1, 1, D], times `scale`.
std::vector<float> projected_query(const Weight& query, const Linear& projection, float scale);

}  // namespace llm2clip::tensorrt
