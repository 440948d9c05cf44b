#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// Pillow's resize, crop and normalisation on the GPU: the two passes of csrc/image, rounded to
// bytes after each, with the coefficients that coefficients() gives. The second pass writes
// the patches of the embedding at once. The reference is preprocess().

// One axis, on the device: what Coefficients holds.
struct CudaCoefficients {
  const int32_t* first;    // [outputs]: input of the first tap
  const int32_t* count;    // [outputs]
  const int32_t* weights;  // [outputs, stride], fixed point
  int stride;
};

constexpr int kCoefficientBits = 22;  // Coefficients::kFractionBits

// One output byte: `at` is its first tap's input, the others follow `step` bytes apart.
LLM2CLIP_HOST_DEVICE uint8_t resample(const uint8_t* at, int64_t step, int count,
                                      const int32_t* weights) {
  int32_t sum = 1 << (kCoefficientBits - 1);
  for (int i = 0; i < count; ++i) sum += weights[i] * at[i * step];
  sum >>= kCoefficientBits;
  return static_cast<uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// A picture and its two passes. Columns go first, unless it is so tall that Pillow shrinks its rows
// first. What lies between the passes is planar, [3, lines, length], for the second one's reads.
struct CudaPreprocessing {
  const uint8_t* image;  // rows of interleaved channels, of what the crop is made of
  int width, channels;   // 1, 3 or 4 (alpha dropped)
  CudaCoefficients columns, rows;
  bool rows_first;
  uint8_t* between;  // scratch: between_bytes()
  int lines, length;
  const float* normalised;  // [3, 256]: what each byte of each channel becomes

  LLM2CLIP_HOST_DEVICE int64_t between_bytes() const { return int64_t{3} * lines * length; }
};

// Which pass goes first is p.rows_first, known to the compiler: choosing between the two axes at
// run time would put a kernel's arguments into memory.

// First pass, one byte a thread: `thread` < between_bytes().
template <bool kRowsFirst>
LLM2CLIP_HOST_DEVICE void resample_first(const CudaPreprocessing& p, int64_t thread) {
  const int x = static_cast<int>(thread % p.length);
  const int line = static_cast<int>(thread / p.length % p.lines);
  const int channel = static_cast<int>(thread / p.length / p.lines);
  const CudaCoefficients& axis = kRowsFirst ? p.rows : p.columns;
  const int output = kRowsFirst ? line : x;
  const int64_t row = kRowsFirst ? axis.first[output] : line;
  const int64_t column = kRowsFirst ? x : axis.first[output];
  const uint8_t* at =
      p.image + (row * p.width + column) * p.channels + (p.channels == 1 ? 0 : channel);
  const int64_t step = kRowsFirst ? int64_t{p.width} * p.channels : p.channels;
  p.between[thread] =
      resample(at, step, axis.count[output], axis.weights + int64_t{output} * axis.stride);
}

// Second pass: a pixel of the crop, normalised.
template <bool kRowsFirst>
struct ResampledPixel {
  CudaPreprocessing p;
  LLM2CLIP_HOST_DEVICE float operator()(const PatchPixel& at) const {
    const CudaCoefficients& axis = kRowsFirst ? p.columns : p.rows;
    const int output = kRowsFirst ? at.x : at.y;
    const int line = kRowsFirst ? at.y : axis.first[output];
    const int column = kRowsFirst ? axis.first[output] : at.x;
    const uint8_t* from = p.between + (int64_t{at.channel} * p.lines + line) * p.length + column;
    const uint8_t byte = resample(from, kRowsFirst ? 1 : p.length, axis.count[output],
                                  axis.weights + int64_t{output} * axis.stride);
    return p.normalised[at.channel * 256 + byte];
  }
};

// out: [count, padded], the patches of one picture. T: F16, BF16 or float.
template <typename T>
void preprocess_cuda(const CudaPreprocessing& p, const PatchGrid& grid, T* out,
                     CudaStreamHandle stream);

}  // namespace llm2clip
