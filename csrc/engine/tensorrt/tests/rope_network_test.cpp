#include <algorithm>
#include <cmath>

#include "described_network.h"
#include "host_network.h"
#include "network_test.h"
#include "tests/expect.h"
#include "tests/ropes.h"

namespace llm2clip::testing {
namespace {

using namespace tensorrt;
using nvinfer1::LayerType;

// Compares up to the last bits of the angles, which are stored in f32.
void expect_near(const std::vector<double>& expected, const std::vector<double>& found) {
  EXPECT(expected.size() == found.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT(std::abs(found[i] - expected[i]) < 1e-5);
}

int64_t constants_of(Described& net, const Shape& shape) {
  const auto constants = net.layers(LayerType::kCONSTANT);
  return std::ranges::count_if(
      constants, [&](nvinfer1::ILayer* layer) { return shape_of(layer->getOutput(0)) == shape; });
}

}  // namespace

// The first and the last attention share their tables; the two others have their own. There are
// cosines and sines, for queries and for keys.
void test_text_ropes() {
  Described net(text_ropes, {kRopeTokens}, Precision::kFp32, text_rope_shapes(), drawn);
  EXPECT(constants_of(net, {kRopeTokens, 4}) == 8 && constants_of(net, {kRopeTokens, 8}) == 4);
  HostNetwork host(net.network());
  const std::vector<int32_t> ids{3, 19, 0, 7, 11};
  const Shape one{1, static_cast<int64_t>(ids.size())};
  const Array features = host.run({{"input_ids", {one, {ids.begin(), ids.end()}}},
                                   {"attention_mask", {one, {1, 1, 1, 1, 1}}},
                                   {"pool_mask", {one, {0, 0, 1, 1, 1}}}});
  expect_near(plain_text_ropes(ids, 3), features.numbers);
}

void test_image_ropes() {
  const Shape image{3, kRopeSize, kRopeSize};
  Described net(image_ropes, image, Precision::kFp32, image_rope_shapes(), drawn);
  EXPECT(constants_of(net, {1, 1, 5, 4}) == 8 && constants_of(net, {1, 1, 5, 8}) == 4);
  std::vector<float> pixels;
  for (int64_t i = 0; i < element_count(image); ++i) {
    pixels.push_back(drawn("pixels", static_cast<size_t>(i)));
  }
  const Array embedding =
      HostNetwork(net.network())
          .run({{"pixel_values", {batch_of(1, image), {pixels.begin(), pixels.end()}}}});
  expect_near(plain_image_ropes(pixels), embedding.numbers);
}

}  // namespace llm2clip::testing
