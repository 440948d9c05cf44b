#pragma once

#include <array>
#include <cstddef>

#include "image/coefficients.h"
#include "image/preprocess.h"

namespace llm2clip {

// How a picture is resized and cropped: two passes, each rounded to bytes, of the crop's window
// alone.
struct ResizePlan {
  Coefficients columns, rows;
  bool rows_first;
};
ResizePlan plan_resize(const ImageView& image, const Preprocessing& how);

// The 256 values that a byte of a channel can become. The references scale in double, or divide by
// 255 in float, which gives the same; the rest is in float.
std::array<float, 256> normalised_bytes(const Preprocessing& how, size_t channel);

}  // namespace llm2clip
