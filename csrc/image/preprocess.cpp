#include "image/preprocess.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "image/resample.h"
#include "image/resize_plan.h"

namespace llm2clip {
namespace {

struct Resize {
  int size;
  PixelFormat format;
  ResizePlan plan;
  Resampler resampler;
};

// Each byte is written before it is read.
std::unique_ptr<uint8_t[]> unwritten_bytes(int64_t count) {
  return std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(count));
}

// out [S, S, channels]
void resize_columns_then_rows(const ImageView& image, const Resize& resize, uint8_t* out) {
  const auto& [columns, rows, rows_first] = resize.plan;
  const int64_t first = rows.taps.front().first;
  const int64_t count = rows.taps.back().first + rows.taps.back().count - first;
  const int64_t source_length = image.width * image.channels;
  const int64_t length = int64_t{resize.size} * resize.format.channels;
  const auto narrowed = unwritten_bytes(count * length);
  resize.resampler.rows({image.data + first * source_length, first, count, source_length}, columns,
                        resize.format, narrowed.get());
  resize.resampler.columns({narrowed.get(), first, count, length}, rows, out);
}

// out [S, S, channels]
void resize_rows_then_columns(const ImageView& image, const Resize& resize, uint8_t* out) {
  const int64_t length = image.width * image.channels;
  const auto shortened = unwritten_bytes(resize.size * length);
  resize.resampler.columns({image.data, 0, image.height, length}, resize.plan.rows,
                           shortened.get());
  resize.resampler.rows({shortened.get(), 0, resize.size, length}, resize.plan.columns,
                        resize.format, out);
}

// [S, S, channels]: the same bytes as Pillow's resize followed by a centre crop.
std::vector<uint8_t> resize_and_crop(const ImageView& image, const Preprocessing& how,
                                     int channels) {
  const Resize resize{how.size, {channels, image.channels}, plan_resize(image, how), resampler()};
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
