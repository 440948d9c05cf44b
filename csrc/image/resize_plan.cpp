#include "image/resize_plan.h"

#include <algorithm>

namespace llm2clip {
namespace {

// int(R · long / short), computed as in the references: the quotient is a double.
int64_t resized_edge(int64_t edge, int64_t shortest, const Preprocessing& how) {
  if (how.squash) return how.resize;
  return static_cast<int64_t>(static_cast<double>(how.resize * edge) /
                              static_cast<double>(shortest));
}

int64_t crop_start(int64_t margin, CropStart rule) {
  const int64_t half = margin / 2;
  return rule == CropStart::kHalfEven && margin % 2 == 1 && half % 2 == 1 ? half + 1 : half;
}

ResizeAxis centre_window(int64_t edge, int64_t shortest, const Preprocessing& how) {
  const int64_t output = resized_edge(edge, shortest, how);
  return {.input = edge,
          .output = output,
          .first = crop_start(output - how.size, how.crop),
          .count = how.size};
}

// Since version 13, Pillow resizes rows first when that removes more than twice as many rows as
// columns; older versions never do. The order affects the result, because each pass rounds to
// bytes. When an edge keeps its length, Pillow skips that pass. Here the pass runs and changes
// nothing, because its only weight is one.
bool vertically_first(const ResizeAxis& columns, const ResizeAxis& rows) {
  const int64_t fewer = rows.input - rows.output;
  return fewer > 0 && fewer > 2 * (columns.input - columns.output);
}

}  // namespace

ResizePlan plan_resize(const ImageView& image, const Preprocessing& how) {
  const int64_t shortest = std::min(image.width, image.height);
  const ResizeAxis columns = centre_window(image.width, shortest, how);
  const ResizeAxis rows = centre_window(image.height, shortest, how);
  return {coefficients(columns, how.filter), coefficients(rows, how.filter),
          vertically_first(columns, rows)};
}

std::array<float, 256> normalised_bytes(const Preprocessing& how, size_t channel) {
  std::array<float, 256> values{};
  for (int byte = 0; byte < 256; ++byte) {
    values[byte] = (static_cast<float>(byte * how.rescale) - how.mean[channel]) / how.std[channel];
  }
  return values;
}

}  // namespace llm2clip
