#pragma once

#include <cstdint>

#include "ops/matrix.h"
#include "ops/workers.h"

namespace llm2clip {

// Splits images into patches of patch × patch pixels, row by row: pixels [B, 3, size, size] f32 →
// out [B · (size / patch)², 3 · patch · patch]. A patch is laid out like the rows of the patch
// embedding's weight: by channels, then by rows. Pixels after the last whole patch are left out.
void patches(Workers& workers, const float* pixels, int64_t size, int64_t patch, Matrix out);

struct TokenEmbeddings {
  ConstMatrix position;  // [N, D]; N includes the class token if there is one
  const void* cls;       // [D] of the same element, or nullptr
};

// Makes the residual stream from embedded patches: puts the class token, if there is one, before
// each image's n patches and adds the position embeddings. x [B · n, D] → out [B · N, D] f32.
void patch_tokens(Workers& workers, const TokenEmbeddings& embeddings, ConstMatrix x, Matrix out);

}  // namespace llm2clip
