#pragma once

#include <cstdint>

#include "cuda/driver_api.h"
#include "kernels/cuda/patches.h"

namespace llm2clip {

// Pillow's resize, crop and normalisation on the GPU. These are the two passes of csrc/image, each
// rounded to bytes, with the coefficients from coefficients(). The second pass writes the rows for
// the patch embedding directly. The reference is preprocess().

// One axis in device memory, with the content of Coefficients.
struct CudaCoefficients {
  const int32_t* first;    // [outputs]: index of the first input
  const int32_t* count;    // [outputs]
  const int32_t* weights;  // [outputs, stride], fixed point
  int stride;
};

constexpr int kCoefficientBits = 22;  // the same as Coefficients::kFractionBits

// Computes one output byte. `at` is the input of its first tap; the others follow at distances of
// `step` bytes.
LLM2CLIP_HOST_DEVICE uint8_t resample(const uint8_t* at, int64_t step, int count,
                                      const int32_t* weights) {
  int32_t sum = 1 << (kCoefficientBits - 1);
  for (int i = 0; i < count; ++i) sum += weights[i] * at[i * step];
  sum >>= kCoefficientBits;
  return static_cast<uint8_t>(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

// An image and its two passes. Columns are resized first, unless the image is so tall that Pillow
// resizes rows first. The result of the first pass is planar, [3, lines, length], for the reads of
// the second.
struct CudaPreprocessing {
  const uint8_t* image;  // rows of interleaved channels, only the part under the crop
  int width, channels;   // 1, 3 or 4 channels (alpha dropped)
  CudaCoefficients columns, rows;
  bool rows_first;
  uint8_t* between;  // scratch memory of between_bytes() bytes
  int lines, length;
  const float* normalised;  // [3, 256]: the value of each byte of each channel

  LLM2CLIP_HOST_DEVICE int64_t between_bytes() const { return int64_t{3} * lines * length; }
};

// The template parameter is p.rows_first. It is known at compile time, because choosing an axis at
// run time would move a kernel's arguments into local memory.

// First pass, one byte per thread: `thread` < between_bytes().
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

// Second pass: returns a normalised pixel of the crop.
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

// out: [count, padded], the patches of one image. T: F16, BF16 or float.
template <typename T>
void preprocess_cuda(const CudaPreprocessing& p, const PatchGrid& grid, T* out,
                     CudaStreamHandle stream);

}  // namespace llm2clip
