#pragma once

#include <array>

#include "image/coefficients.h"
#include "image/preprocess.h"

namespace llm2clip {

// How a picture is resized and cropped: two passes, each rounded to bytes, of the crop's window
// alone.
struct ResizePlan {
  Coefficients columns, rows;
  bool rows_first;
};
ResizePlan plan_resize(const ImageView& image, int size);

// The 256 values a byte can become. The reference scales in double, the rest in float.
std::array<float, 256> normalised_bytes(float mean, float std);

}  // namespace llm2clip
