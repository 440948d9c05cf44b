// Tests the constants of TensorRT's layers, texts on the device (of fake_driver.cpp), and cache
// files. It does not use TensorRT itself.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/output_file.h"
#include "batch/text_list.h"
#include "cuda/context.h"
#include "engine/tensorrt/constants.h"
#include "engine/tensorrt/device_texts.h"
#include "expect.h"

namespace llm2clip::testing {
namespace {

namespace fs = std::filesystem;
using namespace tensorrt;

// A checkpoint tensor of 1, 2, 3, …
class Counted final : public TensorSource {
 public:
  explicit Counted(Shape shape) : shape_(std::move(shape)) {}
  const Shape& shape() const override { return shape_; }
  void read(Dtype dtype, std::span<std::byte> out) const override {
    EXPECT(dtype == Dtype::kF32);
    std::vector<float> numbers(static_cast<size_t>(element_count(shape_)));
    std::iota(numbers.begin(), numbers.end(), 1.0F);
    std::memcpy(out.data(), numbers.data(), out.size());
  }

 private:
  Shape shape_;
};

Weight counted(const std::string& name, const Shape& shape) {
  Weights weights;
  weights.add(name, std::make_shared<Counted>(shape));
  return weights.get(name, shape);
}

void test_padded_size() {
  EXPECT(padded_size(2730) == 2752);
  EXPECT(padded_size(341) == 384);
  EXPECT(padded_size(1) == 64);
  for (const int64_t whole : {8, 72, 512, 2048, 4096, 4304}) EXPECT(padded_size(whole) == whole);
}

// Pads a gate and an up matrix of 2 × 3 each. Every number must be in its place, with zeros
// elsewhere.
void test_pad_blocks() {
  std::vector<uint16_t> matrix(12);
  std::iota(matrix.begin(), matrix.end(), uint16_t{1});
  const Padding padding{2, 2, 3, 4, 5};
  const std::vector<std::byte> bytes = pad(std::as_bytes(std::span(matrix)), 2, padding);
  EXPECT(bytes.size() == 2 * 40);
  std::vector<uint16_t> padded(40);
  std::memcpy(padded.data(), bytes.data(), bytes.size());
  for (size_t row = 0; row < 8; ++row) {
    for (size_t column = 0; column < 5; ++column) {
      const bool inside = row % 4 < 2 && column < 3;
      const size_t source = (row / 4 * 2 + row % 4) * 3 + column;
      EXPECT(padded[row * 5 + column] == (inside ? matrix[source] : 0));
    }
  }
}

void test_pad_changes_nothing() {
  const Padding none{1, 3, 4, 3, 4};
  EXPECT(!none.changes());
  const std::vector<float> matrix{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const auto bytes = pad(std::as_bytes(std::span(matrix)), 4, none);
  EXPECT(std::memcmp(bytes.data(), matrix.data(), bytes.size()) == 0);
  EXPECT(ones_then_zeros(2, 5) == (std::vector<float>{1, 1, 0, 0, 0}));
}

// net.h's table has each angle twice, and TensorRT's has it once. The first token is not rotated.
void test_turns() {
  const std::vector<float> cos{1, 1, 1, 1, 0.5F, 0.5F, 0.25F, 0.25F};
  EXPECT(one_of_each_pair(cos, 1) == (std::vector<float>{1, 1, 0.5F, 0.25F}));
  EXPECT(one_of_each_pair(cos, 0.125F) == (std::vector<float>{0.125F, 0.125F, 0.0625F, 0.03125F}));
}

void test_projected_query() {
  const Weight query = counted("latent", {1, 1, 2});                // 1 2
  const Linear q{counted("weight", {3, 2}), counted("bias", {3})};  // rows 1 2, 3 4, 5 6
  EXPECT(projected_query(query, q, 1) == (std::vector<float>{6, 13, 20}));
  EXPECT(projected_query(query, q, 0.5F) == (std::vector<float>{3, 6.5F, 10}));
  const Linear without{counted("weight", {3, 2}), std::nullopt};
  EXPECT(projected_query(query, without, 1) == (std::vector<float>{5, 11, 17}));
}

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  return {bytes.begin(), bytes.end()};
}

void test_caches() {
  const fs::path folder = fs::temp_directory_path() / ("caches-" + std::to_string(::getpid()));
  fs::create_directory(folder);
  const std::string path = folder / "cache";
  EXPECT(read_cache(path).empty());
  EXPECT(write_cache(path, bytes_of("old")) && read_cache(path) == bytes_of("old"));
  EXPECT(write_cache(path, bytes_of("new one")) && read_cache(path) == bytes_of("new one"));
  EXPECT(read_cache(folder).empty());  // a folder is not a cache
  EXPECT(!write_cache(folder / "none" / "cache", bytes_of("x")));
  // No temporary file is left.
  EXPECT(std::distance(fs::directory_iterator(folder), fs::directory_iterator()) == 1);
  fs::remove_all(folder);
}

void test_output_file() {
  const std::string path = fs::temp_directory_path() / ("output-" + std::to_string(::getpid()));
  const auto code = [](auto&& body) {
    try {
      body();
      return std::string("none");
    } catch (const Error& error) {
      return std::string(name(error.code()));
    }
  };
  OutputFile(path).write(bytes_of("plan"));
  EXPECT(read_cache(path) == bytes_of("plan"));
  EXPECT(code([&] { OutputFile{path}; }) == "ERR_IO");  // the file already exists
  fs::remove(path);
  EXPECT(code([] { OutputFile("/dev/full").write(bytes_of("x")); }) == "ERR_IO");
}

std::vector<int64_t> on_device(const void* data, const BatchSize& size, const CudaStream& stream) {
  std::vector<int64_t> numbers(static_cast<size_t>(size.batch * size.tokens));
  copy_to_host(std::as_writable_bytes(std::span(numbers)), reinterpret_cast<CudaAddress>(data),
               stream);
  stream.synchronize();
  return numbers;
}

// Three texts of up to 40 tokens run as four of 50, the largest length. Two short texts run as two
// of 32.
void test_device_texts() {
  const CudaContext context(0);  // of the fake driver
  const CudaStream stream;
  DeviceTexts texts(6, 50);
  std::vector<std::pair<int64_t, int64_t>> warmed_up;
  for (const auto& size : texts.to_warm_up()) {
    EXPECT(on_device(texts.data(1), size, stream) ==
           std::vector<int64_t>(static_cast<size_t>(size.batch * size.tokens), 1));
    warmed_up.emplace_back(size.batch, size.tokens);
  }
  EXPECT((warmed_up ==
          std::vector<std::pair<int64_t, int64_t>>{{1, 32}, {2, 32}, {4, 32}, {6, 32}, {1, 50}}));
  TextList list;
  list.add(std::vector<int32_t>{7, 8}, 1);
  list.add(std::vector<int32_t>{9}, 1);
  list.add(std::vector<int32_t>(40, 5), 30);
  const BatchSize size = texts.give(list.view(), stream);
  EXPECT(size.batch == 4 && size.tokens == 50);
  const auto ids = on_device(texts.data(0), size, stream);
  EXPECT(ids[48] == 7 && ids[49] == 8 && ids[99] == 9 && ids[110] == 5 && ids[199] == 0);
  const auto ones = [&](size_t i, const BatchSize& of_size) {
    const auto mask = on_device(texts.data(i), of_size, stream);
    return std::accumulate(mask.begin(), mask.end(), int64_t{0});
  };
  EXPECT(ones(1, size) == 2 + 1 + 40 + 1 && ones(2, size) == 1 + 1 + 30 + 1);
  const BatchSize next = texts.give(list.view().some(0, 2), stream);
  EXPECT(next.batch == 2 && next.tokens == 32 && ones(1, next) == 2 + 1);
}

}  // namespace
}  // namespace llm2clip::testing

int main() {
  using namespace llm2clip::testing;
  return run_tests({{"padded size", test_padded_size},
                    {"padding by blocks", test_pad_blocks},
                    {"padding that changes nothing", test_pad_changes_nothing},
                    {"turns", test_turns},
                    {"projected query", test_projected_query},
                    {"device texts", test_device_texts},
                    {"caches", test_caches},
                    {"output file", test_output_file}});
}
