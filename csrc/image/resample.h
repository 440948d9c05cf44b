#pragma once

#include <cstdint>

#include "image/coefficients.h"

namespace llm2clip {

// The two passes of Pillow's resize of 8-bit pictures: each output is a fixed-point sum, rounded
// and clipped to 8 bits. `channels` are those wanted, `pixel` is the source's bytes a pixel: RGBA
// with channels 3 and pixel 4 loses its alpha here.
struct PixelFormat {
  int channels;
  int pixel;
};

// row [W, pixel] → out [outputs, channels]
void resample_row(const uint8_t* row, const Coefficients& columns, const PixelFormat& format,
                  uint8_t* out);

// One output row from the rows its taps name: source [rows, length] → out [length]. source's first
// row is the one that `taps.first` means.
void resample_column(const uint8_t* source, int64_t length, const Coefficients::Taps& taps,
                     const int32_t* weights, uint8_t* out);

}  // namespace llm2clip
