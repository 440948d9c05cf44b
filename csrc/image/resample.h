#pragma once

#include <cstdint>

#include "image/coefficients.h"

namespace llm2clip {

// The two passes of Pillow's resize for 8-bit images. Each output is a fixed-point sum that is
// rounded and clipped to 8 bits. `channels` is the number of output channels, `pixel` the number of
// source bytes per pixel. For RGBA these are 3 and 4, which drops alpha.
struct PixelFormat {
  int channels;
  int pixel;
};

// row [W, pixel] → out [outputs, channels]
void resample_row(const uint8_t* row, const Coefficients& columns, const PixelFormat& format,
                  uint8_t* out);

// Computes one output row from the source rows that `taps` names: source [rows, length] → out
// [length]. The first row of `source` is row `taps.first` of the image.
void resample_column(const uint8_t* source, int64_t length, const Coefficients::Taps& taps,
                     const int32_t* weights, uint8_t* out);

}  // namespace llm2clip
