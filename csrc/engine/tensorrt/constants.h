#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/net.h"

namespace llm2clip::tensorrt {

// Numbers in the layouts that layers need. This file does not depend on TensorRT.

// Returns a dimension that tensor cores read and write at full speed: `size` itself when its rows
// of 16-bit numbers begin at multiples of 16 bytes, and otherwise the next multiple of 64. For
// example, 2730 becomes 2752.
int64_t padded_size(int64_t size);

// A matrix of blocks, stacked vertically, [blocks · rows, columns]. Each block is padded with zeros
// below and on the right: [blocks · padded_rows, padded_columns].
struct Padding {
  int64_t blocks, rows, columns;
  int64_t padded_rows, padded_columns;

  bool changes() const { return rows != padded_rows || columns != padded_columns; }
  int64_t padded_elements() const { return blocks * padded_rows * padded_columns; }
};

// `element` is the size of one number in bytes.
std::vector<std::byte> pad(std::span<const std::byte> matrix, size_t element,
                           const Padding& padding);

// From a table [tokens, dim] in which neighbours have the same angle, takes one of each pair, times
// `scale`: [tokens, dim / 2].
std::vector<float> one_of_each_pair(std::span<const float> table, float scale);

// Returns `count` ones, followed by zeros up to `padded`.
std::vector<float> ones_then_zeros(int64_t count, int64_t padded);

// Returns the projection [D] of a learned query [1, 1, D], times `scale`.
std::vector<float> projected_query(const Weight& query, const Linear& projection, float scale);

}  // namespace llm2clip::tensorrt
