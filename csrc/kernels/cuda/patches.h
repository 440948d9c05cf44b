#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/element.h"

namespace llm2clip {

// The grid of patches in an image. Each patch becomes a row of a matrix in the order of a patch
// embedding's weight: channels, then rows, then columns.
struct PatchGrid {
  int size;    // S: edge of the image
  int patch;   // P: edge of a patch
  int padded;  // row length: 3 · P · P rounded up to a multiple of 8; the padding is zero

  LLM2CLIP_HOST_DEVICE int side() const { return size / patch; }
  LLM2CLIP_HOST_DEVICE int count() const { return side() * side(); }
  LLM2CLIP_HOST_DEVICE int used() const { return 3 * patch * patch; }
};

struct PatchPixel {
  int channel, y, x;  // in the image
};

// Returns the pixel for element `i` < used() in the row of a patch from 0 to count() − 1.
LLM2CLIP_HOST_DEVICE PatchPixel pixel_of(const PatchGrid& grid, int patch, int i) {
  const int area = grid.patch * grid.patch, within = i % area;
  return {i / area, patch / grid.side() * grid.patch + within / grid.patch,
          patch % grid.side() * grid.patch + within % grid.patch};
}

// Each thread writes 8 elements of a row.
struct PatchThread {
  int64_t image;
  int patch, first;
};

LLM2CLIP_HOST_DEVICE int64_t patch_threads(const PatchGrid& grid, int64_t batch) {
  return batch * grid.count() * (grid.padded / kChunk);
}

LLM2CLIP_HOST_DEVICE PatchThread patch_thread(const PatchGrid& grid, int64_t thread) {
  const int a_row = grid.padded / kChunk;
  const int64_t row = thread / a_row;
  return {row / grid.count(), static_cast<int>(row % grid.count()),
          static_cast<int>(thread % a_row) * kChunk};
}

// `value(pixel)` returns the value of a pixel; out: [B, count, padded].
template <typename T, typename Value>
LLM2CLIP_HOST_DEVICE void write_patch(const PatchGrid& grid, const PatchThread& at, T* out,
                                      const Value& value) {
  Chunk chunk;
  LLM2CLIP_UNROLL
  for (int i = 0; i < kChunk; ++i) {
    const int index = at.first + i;
    chunk.values[i] = index < grid.used() ? value(pixel_of(grid, at.patch, index)) : 0.0F;
  }
  store_chunk(out + (at.image * grid.count() + at.patch) * grid.padded + at.first, chunk);
}

// A pixel of images [B, 3, S, S] f32.
struct StoredPixel {
  const float* pixels;
  int64_t image;
  int size;
  LLM2CLIP_HOST_DEVICE float operator()(const PatchPixel& at) const {
    return pixels[((image * 3 + at.channel) * size + at.y) * size + at.x];
  }
};

// pixels [B, 3, S, S] f32 → out [B, count, padded]. T: F16, BF16 or float.
template <typename T>
void patches_cuda(const float* pixels, T* out, const PatchGrid& grid, int64_t batch,
                  CudaStreamHandle stream);

}  // namespace llm2clip
