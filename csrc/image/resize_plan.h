#pragma once

#include <array>
#include <cstddef>

#include "image/coefficients.h"
#include "image/preprocess.h"

namespace llm2clip {

// How an image is resized and cropped. There are two passes over the crop's window only, and each
// pass rounds to bytes.
struct ResizePlan {
  Coefficients columns, rows;
  bool rows_first;
};
ResizePlan plan_resize(const ImageView& image, const Preprocessing& how);

// The 256 values that a byte of one channel can become. The references scale in double or divide by
// 255 in float; both give the same result. All later steps are in float.
std::array<float, 256> normalised_bytes(const Preprocessing& how, size_t channel);

}  // namespace llm2clip
