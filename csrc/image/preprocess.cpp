#include "image/preprocess.h"

#include <algorithm>
#include <vector>

#include "image/coefficients.h"
#include "image/resample.h"

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

// Source rows [first, end) that the window needs, resized horizontally.
struct Rows {
  int64_t first;
  std::vector<uint8_t> bytes;  // [end − first, S, channels]
};

Rows resize_rows(const ImageView& image, const Coefficients& columns, const Coefficients& rows,
                 const PixelFormat& format) {
  const int64_t first = rows.taps.front().first;
  const int64_t end = rows.taps.back().first + rows.taps.back().count;
  const int64_t length = static_cast<int64_t>(columns.taps.size()) * format.channels;
  Rows resized{first, std::vector<uint8_t>((end - first) * length)};
  for (int64_t y = first; y < end; ++y) {
    resample_row(image.data + y * image.width * image.channels, columns, format,
                 resized.bytes.data() + (y - first) * length);
  }
  return resized;
}

// [S, S, channels], the bytes Pillow's resize and a centre crop give.
std::vector<uint8_t> resize_and_crop(const ImageView& image, int size, int channels) {
  const int64_t shortest = std::min(image.width, image.height);
  const auto columns = bicubic_coefficients(centre_window(image.width, shortest, size));
  const auto rows = bicubic_coefficients(centre_window(image.height, shortest, size));
  const Rows resized = resize_rows(image, columns, rows, {channels, image.channels});

  const int64_t length = int64_t{size} * channels;
  std::vector<uint8_t> crop(size * length);
  for (int64_t y = 0; y < size; ++y) {
    const auto& taps = rows.taps[y];
    resample_column(resized.bytes.data() + (taps.first - resized.first) * length, length, taps,
                    rows.of(y), crop.data() + y * length);
  }
  return crop;
}

// The 256 values a byte can become. The reference scales in double, the rest in float.
std::array<float, 256> normalised_bytes(float mean, float std) {
  std::array<float, 256> values{};
  for (int byte = 0; byte < 256; ++byte) {
    values[byte] = (static_cast<float>(byte * (1 / 255.0)) - mean) / std;
  }
  return values;
}

}  // namespace

void preprocess(const ImageView& image, const Preprocessing& p, float* pixels) {
  const int channels = image.channels == 1 ? 1 : 3;
  const auto crop = resize_and_crop(image, p.size, channels);
  const int64_t plane = int64_t{p.size} * p.size;
  for (int c = 0; c < 3; ++c) {
    const auto values = normalised_bytes(p.mean[c], p.std[c]);
    const uint8_t* bytes = crop.data() + (channels == 1 ? 0 : c);
    for (int64_t i = 0; i < plane; ++i) pixels[c * plane + i] = values[bytes[i * channels]];
  }
}

}  // namespace llm2clip
