// The numbers that TensorRT's layers hold, and the files that save work: no TensorRT in it.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/output_file.h"
#include "engine/tensorrt/constants.h"
#include "expect.h"

namespace llm2clip::testing {
namespace {

namespace fs = std::filesystem;
using namespace tensorrt;

// A tensor of a checkpoint: 1, 2, 3, …
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

// Gate above up, 2 × 3 each: every number in its place, and zeros everywhere else.
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

// Each angle stands twice in net.h's table and once in TensorRT's; the first token does not turn.
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
  EXPECT(read_cache(folder).empty());  // a folder is no cache
  EXPECT(!write_cache(folder / "none" / "cache", bytes_of("x")));
  // Nothing is left of what was in the making.
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
  EXPECT(code([&] { OutputFile{path}; }) == "ERR_IO");  // it is there already
  fs::remove(path);
  EXPECT(code([] { OutputFile("/dev/full").write(bytes_of("x")); }) == "ERR_IO");
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
                    {"caches", test_caches},
                    {"output file", test_output_file}});
}
