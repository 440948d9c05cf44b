#include "image/preprocess.h"

#include <cstddef>
#include <vector>

#include "image/resample.h"
#include "image/resize_plan.h"

namespace llm2clip {
namespace {

// Bytes of the image rows from `first` on. Each row has `length` bytes.
struct Rows {
  const uint8_t* data;
  int64_t first, length;
};

// out [outputs, length]
void resize_vertically(const Rows& source, const Coefficients& rows, uint8_t* out) {
  for (size_t y = 0; y < rows.taps.size(); ++y) {
    const auto& taps = rows.taps[y];
    resample_column(source.data + (taps.first - source.first) * source.length, source.length, taps,
                    rows.of(static_cast<int64_t>(y)), out + y * source.length);
  }
}

// out [count, outputs, channels]
void resize_horizontally(const Rows& source, int64_t count, const Coefficients& columns,
                         const PixelFormat& format, uint8_t* out) {
  const auto length = static_cast<int64_t>(columns.taps.size()) * format.channels;
  for (int64_t y = 0; y < count; ++y) {
    resample_row(source.data + y * source.length, columns, format, out + y * length);
  }
}

struct Resize {
  int size;
  PixelFormat format;
  ResizePlan plan;
};

// out [S, S, channels]
void resize_columns_then_rows(const ImageView& image, const Resize& resize, uint8_t* out) {
  const int64_t first = resize.plan.rows.taps.front().first;
  const int64_t count =
      resize.plan.rows.taps.back().first + resize.plan.rows.taps.back().count - first;
  const int64_t source_length = image.width * image.channels;
  const int64_t length = int64_t{resize.size} * resize.format.channels;
  std::vector<uint8_t> narrowed(count * length);
  resize_horizontally({image.data + first * source_length, first, source_length}, count,
                      resize.plan.columns, resize.format, narrowed.data());
  resize_vertically({narrowed.data(), first, length}, resize.plan.rows, out);
}

// out [S, S, channels]
void resize_rows_then_columns(const ImageView& image, const Resize& resize, uint8_t* out) {
  const int64_t length = image.width * image.channels;
  std::vector<uint8_t> shortened(resize.size * length);
  resize_vertically({image.data, 0, length}, resize.plan.rows, shortened.data());
  resize_horizontally({shortened.data(), 0, length}, resize.size, resize.plan.columns,
                      resize.format, out);
}

// [S, S, channels]: the same bytes as Pillow's resize followed by a centre crop.
std::vector<uint8_t> resize_and_crop(const ImageView& image, const Preprocessing& how,
                                     int channels) {
  const Resize resize{how.size, {channels, image.channels}, plan_resize(image, how)};
  std::vector<uint8_t> crop(static_cast<size_t>(channels) * how.size * how.size);
  const auto passes = resize.plan.rows_first ? resize_rows_then_columns : resize_columns_then_rows;
  passes(image, resize, crop.data());
  return crop;
}

}  // namespace

void preprocess(const ImageView& image, const Preprocessing& p, float* pixels) {
  const int channels = image.channels == 1 ? 1 : 3;
  const auto crop = resize_and_crop(image, p, channels);
  const int64_t plane = int64_t{p.size} * p.size;
  for (size_t c = 0; c < 3; ++c) {
    const auto values = normalised_bytes(p, c);
    const uint8_t* bytes = crop.data() + (channels == 1 ? 0 : c);
    for (int64_t i = 0; i < plane; ++i) pixels[c * plane + i] = values[bytes[i * channels]];
  }
}

}  // namespace llm2clip
