#pragma once

#include <array>
#include <cstdint>

#include "image/coefficients.h"

namespace llm2clip {

// A decoded image: rows of interleaved 8-bit channels without padding. The caller owns the memory.
struct ImageView {
  const uint8_t* data;
  int64_t width, height;
  int channels;  // 1 (grey, repeated), 3 (RGB) or 4 (RGBA, alpha dropped)
};

// Where the crop begins when the margin is odd: half the margin rounded down, as in transformers,
// or rounded to even, as in torchvision.
enum class CropStart { kFloor, kHalfEven };

// How an image becomes pixels: it is resized, cropped at its centre, rescaled and normalised.
struct Preprocessing {
  int size;                        // S, edge of the crop in pixels
  std::array<float, 3> mean, std;  // of R, G and B, applied after rescaling
  double rescale = 1 / 255.0;      // each byte is multiplied by this
  Filter filter = Filter::kBicubic;
  int resize = size;    // new length of the shortest edge, at least S
  bool squash = false;  // both edges get this length
  CropStart crop = CropStart::kFloor;
};

// pixels: [3, S, S] f32. The result is bit-identical to that of transformers' processors over
// Pillow and to timm's and open_clip's transforms. Time and memory depend on the part of the image
// under the crop, not on the image's longest edge. Callable from any thread.
void preprocess(const ImageView& image, const Preprocessing& p, float* pixels);

}  // namespace llm2clip
