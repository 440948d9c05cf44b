#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace llm2clip {

// A matrix [rows, columns] in int8 with one scale per row: number ≈ value · scale.
struct Int8Matrix {
  std::vector<int8_t> values;
  std::vector<float> scales;
};

// Rounds each row symmetrically: its largest magnitude becomes 127. A row of zeros gets a scale
// that is almost zero.
Int8Matrix rounded_to_int8(std::span<const float> matrix, int64_t columns);

// Rounds each row in the same way, and replaces its numbers by what the int8 values stand for.
void round_rows_as_int8(std::span<float> matrix, int64_t columns);

}  // namespace llm2clip
