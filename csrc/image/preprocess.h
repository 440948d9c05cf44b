#pragma once

#include <array>
#include <cstdint>

#include "image/coefficients.h"

namespace llm2clip {

// A decoded picture: rows of interleaved 8-bit channels without padding, in memory of the caller's.
struct ImageView {
  const uint8_t* data;
  int64_t width, height;
  int channels;  // 1 (grey, repeated), 3 (RGB) or 4 (RGBA, alpha dropped)
};

// Where a crop begins whose margin is odd: at the half rounded down, as transformers does it, or to
// the even neighbour, as torchvision does.
enum class CropStart { kFloor, kHalfEven };

// A picture is resized, its centre is cropped, its bytes are scaled and normalised.
struct Preprocessing {
  int size;                        // S, of the crop, in pixels
  std::array<float, 3> mean, std;  // of R, G, B, after the scaling
  double rescale = 1 / 255.0;      // what a byte is multiplied with
  Filter filter = Filter::kBicubic;
  int resize = size;    // at least S: what the shortest edge becomes
  bool squash = false;  // both edges become that
  CropStart crop = CropStart::kFloor;
};

// pixels: [3, S, S] f32. The same numbers, bit for bit, as transformers' processors over Pillow,
// timm's and open_clip's transforms give.
// Time and memory follow the crop's window of the picture, not its longest edge. Any thread.
void preprocess(const ImageView& image, const Preprocessing& p, float* pixels);

}  // namespace llm2clip
