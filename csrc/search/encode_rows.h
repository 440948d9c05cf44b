#pragma once

#include <cstddef>
#include <cstdint>

#include "search/row_format.h"

namespace llm2clip {

// Returns the index of the first of the rows [rows, dim] that the storage cannot hold, or −1 if
// there is none. A row does not fit if it has NaN, infinity or a number outside fp16's range.
int64_t find_unfit_row(const float* vectors, int64_t rows, const RowFormat& format);

// Rounds a row [dim] to the storage type. `out` has the format's stride, and its rest is filled
// with zeros. Returns the scale for int8, and 1 for other types.
float encode_row(const float* vector, std::byte* out, const RowFormat& format);

// Rounds to nearest even. Each architecture has a file that defines it.
void round_to_fp16(const float* in, uint16_t* out, int64_t count);

// The same for processors with F16C.
void round_to_fp16_avx2(const float* in, uint16_t* out, int64_t count);

}  // namespace llm2clip
