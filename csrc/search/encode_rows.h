#pragma once

#include <cstddef>
#include <cstdint>

#include "search/row_format.h"

namespace llm2clip {

// The first of `rows` rows [rows, dim] that the storage cannot hold, −1 for none: NaN, infinity, or
// beyond the range of fp16.
int64_t find_unfit_row(const float* vectors, int64_t rows, const RowFormat& format);

// Rounds a row [dim] to the storage; `out` has the format's stride and is filled up with zeros.
// Returns the scale of int8, 1 for others.
float encode_row(const float* vector, std::byte* out, const RowFormat& format);

// To nearest even. Only where the processor has F16C.
void round_to_fp16_avx2(const float* in, uint16_t* out, int64_t count);

}  // namespace llm2clip
