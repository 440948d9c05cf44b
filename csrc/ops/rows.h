#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/dtype.h"
#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Copies of rows, and the operations of towers that pass through few numbers. Unless it is said
// otherwise, inputs and outputs may have any elements.

// out = x + y in f32. `out` may be x or y if that has f32 elements.
void add(Workers& workers, ConstMatrix x, ConstMatrix y, Matrix out);

// Copies x to the elements of `out`.
void convert(Workers& workers, ConstMatrix x, Matrix out);

// Row `token` of each image: x [B · tokens, D] → out [B, D].
void select_token(Workers& workers, ConstMatrix x, int64_t tokens, int64_t token, Matrix out);

// The columns of x from `first` on, as many as `out` has.
void select_columns(Workers& workers, ConstMatrix x, int64_t first, Matrix out);

// Looks up rows of a table [V, D] of `dtype`: ids [N] → out [N, D] f32. Requires ids below V.
void embed(Workers& workers, const std::byte* table, Dtype dtype, std::span<const int32_t> ids,
           Matrix out);

// The mean over the last pooled[i] tokens of text i: x [N, D] → out [B, D] f32. The rows of text i
// begin at offsets[i] − offsets[0]; `offsets` has B + 1 elements.
void text_mean(Workers& workers, std::span<const int32_t> offsets, std::span<const int32_t> pooled,
               ConstMatrix x, Matrix out);

// Scales each row to length 1. A row shorter than 10⁻¹² is divided by 10⁻¹². `out` may be x if both
// have the same elements.
void l2_normalize(Workers& workers, ConstMatrix x, Matrix out);

}  // namespace llm2clip
