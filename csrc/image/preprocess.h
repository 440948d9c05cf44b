#pragma once

#include <array>
#include <cstdint>

namespace llm2clip {

// A decoded picture: rows of interleaved 8-bit channels without padding, in memory of the caller's.
struct ImageView {
  const uint8_t* data;
  int64_t width, height;
  int channels;  // 1 (grey, repeated), 3 (RGB) or 4 (RGBA, alpha dropped)
};

// The shortest edge is resized to `size` (bicubic), then the centre is cropped.
struct Preprocessing {
  int size;                        // S, in pixels
  std::array<float, 3> mean, std;  // of R, G, B, on the scale 0 to 1
};

// pixels: [3, S, S] f32. The same numbers, bit for bit, as transformers' CLIPImageProcessorPil.
// Time and memory follow the crop's window of the picture, not its longest edge. Any thread.
void preprocess(const ImageView& image, const Preprocessing& p, float* pixels);

}  // namespace llm2clip
