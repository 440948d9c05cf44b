#pragma once

#include <cstddef>

#include "ops/linear_kernels.h"

namespace llm2clip {

// The input as the kernel of this weight reads it.
struct PreparedInput {
  const void* x;
  const float* row_scales;  // of rounded rows, else nullptr
};

// The bytes that prepare_input() writes for this many rows.
size_t prepared_bytes(const LinearKernel& kernel, const LinearWeight& weight, int64_t rows);

// Writes the input of the kernel to `room`, unless the kernel reads x as it is.
PreparedInput prepare_input(Workers& workers, const LinearKernel& kernel,
                            const LinearWeight& weight, ConstMatrix x, std::byte* room);

}  // namespace llm2clip
