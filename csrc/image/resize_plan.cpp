#include "image/resize_plan.h"

#include <algorithm>

namespace llm2clip {
namespace {

// int(S · long / short), as the reference computes it: the quotient is a double.
int64_t resized_edge(int64_t edge, int64_t shortest, int size) {
  return static_cast<int64_t>(static_cast<double>(size * edge) / static_cast<double>(shortest));
}

ResizeAxis centre_window(int64_t edge, int64_t shortest, int size) {
  const int64_t output = resized_edge(edge, shortest, size);
  return {.input = edge, .output = output, .first = (output - size) / 2, .count = size};
}

// Pillow shrinks a picture more than twice as tall as wide vertically first (from 13.0 on; before,
// never). The order shows: each pass rounds to bytes. Where an edge keeps its length Pillow skips
// that pass; here it runs and changes nothing, as its only weight is one.
bool vertically_first(const ImageView& image, int size) {
  return image.height > 2 * image.width && size < image.width;
}

}  // namespace

ResizePlan plan_resize(const ImageView& image, int size) {
  const int64_t shortest = std::min(image.width, image.height);
  return {bicubic_coefficients(centre_window(image.width, shortest, size)),
          bicubic_coefficients(centre_window(image.height, shortest, size)),
          vertically_first(image, size)};
}

std::array<float, 256> normalised_bytes(float mean, float std) {
  std::array<float, 256> values{};
  for (int byte = 0; byte < 256; ++byte) {
    values[byte] = (static_cast<float>(byte * (1 / 255.0)) - mean) / std;
  }
  return values;
}

}  // namespace llm2clip
