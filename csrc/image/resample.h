#pragma once

#include <cstdint>

#include "image/coefficients.h"

namespace llm2clip {

// `channels` is the number of output channels, `pixel` the number of source bytes per pixel. For
// RGBA these are 3 and 4, which drops alpha.
struct PixelFormat {
  int channels;
  int pixel;
};

// Rows of `length` bytes without padding. Row 0 is row `first` of the image.
struct PixelRows {
  const uint8_t* data;
  int64_t first, count, length;
};

// The two passes of Pillow's resize for 8-bit images. Each output byte is a fixed-point sum that is
// rounded and clipped to 8 bits.

// Resizes each row: source [count, W, pixel] → out [count, outputs, channels].
using ResampleRows = void (*)(const PixelRows& source, const Coefficients& columns,
                              const PixelFormat& format, uint8_t* out);

// Resizes each column: source [count, length] → out [outputs, length]. The source must contain all
// rows that `rows` refers to.
using ResampleColumns = void (*)(const PixelRows& source, const Coefficients& rows, uint8_t* out);

struct Resampler {
  ResampleRows rows;
  ResampleColumns columns;
};

// The fastest one for cpu_isa(). All of them return the same bytes.
Resampler resampler();

// The plain reference.
void resample_rows_plain(const PixelRows& source, const Coefficients& columns,
                         const PixelFormat& format, uint8_t* out);
void resample_columns_plain(const PixelRows& source, const Coefficients& rows, uint8_t* out);

// For processors with AVX2.
void resample_rows_avx2(const PixelRows& source, const Coefficients& columns,
                        const PixelFormat& format, uint8_t* out);
void resample_columns_avx2(const PixelRows& source, const Coefficients& rows, uint8_t* out);

}  // namespace llm2clip
