// Tests the memory accesses of preprocessing with random sizes, shapes and channels. Each image is
// in a block of exactly its size, so that AddressSanitizer detects overruns. test/image.test.mts
// compares the numbers with Pillow's.
#include <algorithm>
#include <array>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include "expect.h"
#include "image/preprocess.h"
#include "image/resample.h"
#include "image/resize_plan.h"

namespace llm2clip::testing {
namespace {

constexpr std::array kFilters{Filter::kNearest, Filter::kBox,     Filter::kBilinear,
                              Filter::kHamming, Filter::kBicubic, Filter::kLanczos};

Preprocessing preprocessing(int size) {
  return {.size = size, .mean = {0, 0, 0}, .std = {1, 1, 1}};
}

std::vector<float> preprocess(const std::vector<uint8_t>& data, int64_t width, int64_t height,
                              int channels, const Preprocessing& how) {
  std::vector<float> pixels(static_cast<size_t>(3) * how.size * how.size, -1);
  llm2clip::preprocess({data.data(), width, height, channels}, how, pixels.data());
  return pixels;
}

// An image of a single colour keeps that colour at every size.
void expect_colour(int64_t width, int64_t height, int channels, const Preprocessing& how) {
  const uint8_t colour[] = {10, 130, 250, 77};
  std::vector<uint8_t> data(static_cast<size_t>(width * height * channels));
  for (size_t i = 0; i < data.size(); ++i) data[i] = colour[i % channels];
  const auto pixels = preprocess(data, width, height, channels, how);
  const size_t plane = pixels.size() / 3;
  for (size_t c = 0; c < 3; ++c) {
    const float expected = static_cast<float>(colour[channels == 1 ? 0 : c] * (1 / 255.0));
    const auto of_channel = std::span(pixels).subspan(c * plane, plane);
    EXPECT(std::ranges::all_of(of_channel, [&](float x) { return x == expected; }));
  }
}

void test_random_sizes() {
  std::mt19937 random(7);
  const int channels[] = {1, 3, 4};
  for (int i = 0; i < 1000; ++i) {
    const auto edge = [&] { return 1 + static_cast<int64_t>(random() % (i % 10 == 0 ? 900 : 90)); };
    Preprocessing how = preprocessing(1 + static_cast<int>(random() % 64));
    how.filter = kFilters[random() % kFilters.size()];
    how.resize += static_cast<int>(random() % 3 * (random() % 20));
    how.squash = random() % 2 == 0;
    how.crop = random() % 2 == 0 ? CropStart::kFloor : CropStart::kHalfEven;
    expect_colour(edge(), edge(), channels[i % 3], how);
  }
}

void test_slivers() {
  for (const Filter filter : kFilters) {
    for (const int channels : {1, 3, 4}) {
      for (const bool squash : {false, true}) {
        Preprocessing how = preprocessing(56);
        how.filter = filter;
        how.squash = squash;
        expect_colour(1, 1, channels, how);
        expect_colour(1, 65'000, channels, how);
        expect_colour(65'000, 1, channels, how);
        expect_colour(3, 2'000, channels, how);
      }
    }
  }
}

// An image of the target size is not resized, and its alpha channel is ignored.
void test_unchanged() {
  std::mt19937 random(7);
  for (const int channels : {1, 3, 4}) {
    std::vector<uint8_t> data(static_cast<size_t>(16 * 16 * channels));
    for (auto& byte : data) byte = static_cast<uint8_t>(random());
    const auto pixels = preprocess(data, 16, 16, channels, preprocessing(16));
    for (size_t i = 0; i < pixels.size(); ++i) {
      const size_t plane = i / 256, pixel = i % 256;
      const uint8_t byte =
          data[pixel * static_cast<size_t>(channels) + (channels == 1 ? 0 : plane)];
      EXPECT(pixels[i] == static_cast<float>(byte * (1 / 255.0)));
    }
  }
}

// The crop of an image that is twice as wide is exactly its middle.
void test_centre() {
  std::vector<uint8_t> data(static_cast<size_t>(32 * 16));
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(i % 32);
  const auto pixels = preprocess(data, 32, 16, 1, preprocessing(16));
  for (size_t x = 0; x < 16; ++x) {
    EXPECT(pixels[x] == static_cast<float>(static_cast<double>(x + 8) * (1 / 255.0)));
  }
}

// Random bytes with many extremes, whose sums leave the range of a byte.
std::vector<uint8_t> random_bytes(std::mt19937& random, int64_t count) {
  std::vector<uint8_t> bytes(static_cast<size_t>(count));
  for (auto& byte : bytes) {
    const auto number = random();
    byte = number % 3 == 0 ? static_cast<uint8_t>(number >> 8) : number % 2 == 0 ? 0 : 255;
  }
  return bytes;
}

// Both passes over the same image return the bytes of the plain reference.
void expect_plain_bytes(std::mt19937& random, const Resampler& fast, const Preprocessing& how) {
  constexpr int kPixels[] = {1, 3, 4};
  const auto edge = [&] { return 1 + static_cast<int64_t>(random() % 400); };
  const ImageView image{nullptr, edge(), edge(), kPixels[random() % 3]};
  const PixelFormat format{image.channels == 1 ? 1 : 3, image.channels};
  const ResizePlan plan = plan_resize(image, how);
  const int64_t length = image.width * image.channels;
  const auto bytes = random_bytes(random, image.height * length);
  const PixelRows source{bytes.data(), 0, image.height, length};

  std::vector<uint8_t> expected(static_cast<size_t>(image.height * how.size * format.channels));
  auto found = expected;
  resample_rows_plain(source, plan.columns, format, expected.data());
  fast.rows(source, plan.columns, format, found.data());
  EXPECT(found == expected);

  expected.assign(static_cast<size_t>(how.size * length), 0);
  found = expected;
  resample_columns_plain(source, plan.rows, expected.data());
  fast.columns(source, plan.rows, found.data());
  EXPECT(found == expected);
}

void test_fastest() {
  const Resampler fastest = resampler();
  if (fastest.rows == resample_rows_plain) {
    std::printf("skipped: resampling has only the plain reference here\n");
    return;
  }
  std::mt19937 random(11);
  for (int i = 0; i < 1500; ++i) {
    Preprocessing how = preprocessing(1 + static_cast<int>(random() % 70));
    how.filter = kFilters[i % kFilters.size()];
    how.resize += static_cast<int>(random() % 2 * (random() % 300));
    how.squash = random() % 2 == 0;
    expect_plain_bytes(random, fastest, how);
  }
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests(
      {{"random sizes", test_random_sizes},
       {"slivers", test_slivers},
       {"unchanged", test_unchanged},
       {"centre", test_centre},
       {"the fastest resampling returns the bytes of the plain reference", test_fastest}});
}
