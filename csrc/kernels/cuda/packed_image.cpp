#include "kernels/cuda/packed_image.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "image/resize_plan.h"

namespace llm2clip {
namespace {

static_assert(kCoefficientBits == Coefficients::kFractionBits);

constexpr size_t kBytes = 256;  // values of a byte

// The part of an axis that its taps read. Taps never move backwards from one output to the next.
struct Reach {
  int64_t first, count;

  explicit Reach(const Coefficients& axis)
      : first(axis.taps.front().first),
        count(axis.taps.back().first + axis.taps.back().count - first) {}
};

// The header comes first.
struct Header {
  CudaPreprocessing image;  // without pointers to memory
  int size;
};

// Where the parts begin, in bytes.
struct Layout {
  size_t columns, rows, image;
  static constexpr size_t kNormalised = sizeof(Header);

  explicit Layout(const Header& header)
      : columns(kNormalised + 3 * kBytes * sizeof(float)),
        rows(columns + axis_bytes(header.size, header.image.columns.stride)),
        image(rows + axis_bytes(header.size, header.image.rows.stride)) {}

 private:
  static size_t axis_bytes(int size, int stride) {
    return static_cast<size_t>(size) * (static_cast<size_t>(stride) + 2) * sizeof(int32_t);
  }
};

CudaCoefficients axis_at(const std::byte* at, int size, int stride) {
  const auto* numbers = reinterpret_cast<const int32_t*>(at);
  return {numbers, numbers + size, numbers + int64_t{2} * size, stride};
}

// Input indices are relative to the first input that is sent.
void write_axis(const Coefficients& axis, std::byte* to) {
  auto* numbers = reinterpret_cast<int32_t*>(to);
  const size_t size = axis.taps.size();
  for (size_t i = 0; i < size; ++i) {
    numbers[i] = static_cast<int32_t>(axis.taps[i].first - axis.taps.front().first);
    numbers[size + i] = axis.taps[i].count;
  }
  std::ranges::copy(axis.weights, numbers + 2 * size);
}

void write_normalised(const Preprocessing& how, std::byte* to) {
  auto* numbers = reinterpret_cast<float*>(to);
  for (size_t c = 0; c < 3; ++c) {
    std::ranges::copy(normalised_bytes(how, c), numbers + c * kBytes);
  }
}

void write_window(const ImageView& image, const Reach& columns, const Reach& rows, std::byte* to) {
  const auto length = static_cast<size_t>(columns.count * image.channels);
  for (int64_t y = 0; y < rows.count; ++y) {
    const int64_t first = (rows.first + y) * image.width + columns.first;
    std::memcpy(to + static_cast<size_t>(y) * length, image.data + first * image.channels, length);
  }
}

// The window must fit into memory, so that its lengths fit into an int.
Header header_of(const ImageView& image, const ResizePlan& plan, int size) {
  const int width = static_cast<int>(Reach(plan.columns).count);
  Header header{.image = {}, .size = size};
  CudaPreprocessing& p = header.image;
  p.width = width;
  p.channels = image.channels;
  p.columns.stride = plan.columns.stride;
  p.rows.stride = plan.rows.stride;
  p.rows_first = plan.rows_first;
  p.lines = plan.rows_first ? size : static_cast<int>(Reach(plan.rows).count);
  p.length = plan.rows_first ? width : size;
  return header;
}

// Estimates the size of the part under the crop. Unlike computing coefficients, this costs nothing.
bool too_large(const ImageView& image, bool squash, size_t room) {
  const int64_t shortest = std::min(image.width, image.height);
  const int64_t other = squash ? std::max(image.width, image.height) : shortest;
  const auto most = static_cast<int64_t>(room) / image.channels;
  return other > most / shortest;
}

}  // namespace

size_t pack_image(const ImageView& image, const Preprocessing& how, std::span<std::byte> room) {
  if (too_large(image, how.squash, room.size())) return 0;
  const ResizePlan plan = plan_resize(image, how);
  const Reach columns(plan.columns), rows(plan.rows);
  const auto window = static_cast<size_t>(columns.count * rows.count * image.channels);
  if (window > room.size()) return 0;
  const Header header = header_of(image, plan, how.size);
  const Layout at(header);
  const size_t bytes = at.image + window;
  const auto between = static_cast<size_t>(header.image.between_bytes());
  if (bytes > room.size() || between > room.size()) return 0;
  std::memcpy(room.data(), &header, sizeof header);
  write_normalised(how, room.data() + Layout::kNormalised);
  write_axis(plan.columns, room.data() + at.columns);
  write_axis(plan.rows, room.data() + at.rows);
  write_window(image, columns, rows, room.data() + at.image);
  return bytes;
}

CudaPreprocessing packed_image(const std::byte* packed, const std::byte* on_device,
                               uint8_t* between) {
  Header header{};
  std::memcpy(&header, packed, sizeof header);
  const Layout at(header);
  CudaPreprocessing p = header.image;
  p.image = reinterpret_cast<const uint8_t*>(on_device + at.image);
  p.columns = axis_at(on_device + at.columns, header.size, p.columns.stride);
  p.rows = axis_at(on_device + at.rows, header.size, p.rows.stride);
  p.normalised = reinterpret_cast<const float*>(on_device + Layout::kNormalised);
  p.between = between;
  return p;
}

}  // namespace llm2clip
