#include "engine/tensorrt/constants.h"

#include <algorithm>
#include <cstring>

namespace llm2clip::tensorrt {
namespace {

std::vector<float> read(const Weight& weight) {
  std::vector<float> numbers(static_cast<size_t>(element_count(weight.shape())));
  weight.read(Dtype::kF32, std::as_writable_bytes(std::span(numbers)));
  return numbers;
}

}  // namespace

int64_t padded_size(int64_t size) { return size % 8 == 0 ? size : (size + 63) / 64 * 64; }

std::vector<std::byte> pad(std::span<const std::byte> matrix, size_t element,
                           const Padding& padding) {
  std::vector<std::byte> padded(static_cast<size_t>(padding.padded_elements()) * element);
  const size_t from = static_cast<size_t>(padding.columns) * element;
  const size_t to = static_cast<size_t>(padding.padded_columns) * element;
  for (int64_t block = 0; block < padding.blocks; ++block) {
    for (int64_t row = 0; row < padding.rows; ++row) {
      const auto source = static_cast<size_t>(block * padding.rows + row) * from;
      const auto target = static_cast<size_t>(block * padding.padded_rows + row) * to;
      std::memcpy(padded.data() + target, matrix.data() + source, from);
    }
  }
  return padded;
}

std::vector<float> one_of_each_pair(std::span<const float> table, float scale) {
  std::vector<float> halved;
  halved.reserve(table.size() / 2);
  for (size_t i = 0; i < table.size(); i += 2) halved.push_back(table[i] * scale);
  return halved;
}

std::vector<float> ones_then_zeros(int64_t count, int64_t padded) {
  std::vector<float> numbers(static_cast<size_t>(padded));
  std::fill_n(numbers.begin(), count, 1.0F);
  return numbers;
}

std::vector<float> projected_query(const Weight& query, const Linear& projection, float scale) {
  const std::vector<float> x = read(query), w = read(projection.weight);
  std::vector<float> y(static_cast<size_t>(projection.weight.shape()[0]));
  if (projection.bias) y = read(*projection.bias);
  for (size_t row = 0; row < y.size(); ++row) {
    double sum = y[row];
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(w[row * x.size() + i]) * x[i];
    y[row] = static_cast<float>(sum * scale);
  }
  return y;
}

}  // namespace llm2clip::tensorrt
