#include "ops/linear_input.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/quantise_rows.h"
#include "kernels/cpu/rows.h"

namespace llm2clip {
namespace {

constexpr size_t kAlignment = 64;

bool reads_x(const LinearKernel& kernel, const LinearWeight& weight) {
  if (kernel.input == LinearInput::kAsItIs) return weight.inverse_smoothing == nullptr;
  return kernel.input == LinearInput::kPadded && kernel.width(weight) == weight.in;
}

size_t number_bytes(LinearInput input) {
  switch (input) {
    case LinearInput::kAsItIs: return sizeof(float);
    case LinearInput::kUint8:
    case LinearInput::kInt8: return sizeof(uint8_t);
    default: return sizeof(int16_t);
  }
}

size_t numbers_bytes(const LinearKernel& kernel, const LinearWeight& weight, int64_t rows) {
  const auto numbers = static_cast<size_t>(rows * kernel.width(weight));
  return (numbers * number_bytes(kernel.input) + kAlignment - 1) / kAlignment * kAlignment;
}

PreparedInput smooth(Workers& workers, const LinearWeight& weight, ConstMatrix x, float* to) {
  const int64_t in = weight.in;
  const float* factors = weight.inverse_smoothing;
  workers.run_rows(x.rows, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const float* from = x.as<float>() + row * in;
      for (int64_t i = 0; i < in; ++i) to[row * in + i] = from[i] * factors[i];
    }
  });
  return {to, nullptr};
}

PreparedInput pad(Workers& workers, ConstMatrix x, int64_t width, uint16_t* to) {
  workers.run_rows(x.rows, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      uint16_t* end = std::copy_n(x.as<uint16_t>() + row * x.width, x.width, to + row * width);
      std::fill(end, to + (row + 1) * width, uint16_t{0});
    }
  });
  return {to, nullptr};
}

PreparedInput round_to_bf16(Workers& workers, ConstMatrix x, int64_t width, uint16_t* to) {
  workers.run_rows(x.rows, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      uint16_t* const own = to + row * width;
      convert_numbers(x.as<float>() + row * x.width, own, x.width);
      std::fill(own + x.width, own + width, uint16_t{0});
    }
  });
  return {to, nullptr};
}

template <typename Q>
PreparedInput quantise(Workers& workers, ConstMatrix x, const QuantiseArguments& a, Q* q,
                       float* scales) {
  for_element(x.element, [&]<typename T>() {
    workers.run_rows(x.rows, [&](int64_t first, int64_t last) {
      quantise_rows(x.as<T>(), q, scales, a, first, last);
    });
  });
  return {q, scales};
}

}  // namespace

size_t prepared_bytes(const LinearKernel& kernel, const LinearWeight& weight, int64_t rows) {
  if (reads_x(kernel, weight)) return 0;
  return numbers_bytes(kernel, weight, rows) + static_cast<size_t>(rows) * sizeof(float);
}

PreparedInput prepare_input(Workers& workers, const LinearKernel& kernel,
                            const LinearWeight& weight, ConstMatrix x, std::byte* room) {
  if (reads_x(kernel, weight)) return {x.data, nullptr};
  const int64_t width = kernel.width(weight);
  auto* scales = reinterpret_cast<float*>(room + numbers_bytes(kernel, weight, x.rows));
  auto* numbers = reinterpret_cast<int16_t*>(room);
  switch (kernel.input) {
    case LinearInput::kAsItIs: return smooth(workers, weight, x, reinterpret_cast<float*>(room));
    case LinearInput::kPadded: return pad(workers, x, width, reinterpret_cast<uint16_t*>(room));
    case LinearInput::kInt16:
      return quantise(workers, x, {weight.in, width, nullptr}, numbers, scales);
    case LinearInput::kUint8:
      return quantise(workers, x, {weight.in, width, weight.inverse_smoothing},
                      reinterpret_cast<uint8_t*>(room), scales);
    case LinearInput::kInt8:
      return quantise(workers, x, {weight.in, width, weight.inverse_smoothing},
                      reinterpret_cast<int8_t*>(room), scales);
    case LinearInput::kBf16:
      return round_to_bf16(workers, x, width, reinterpret_cast<uint16_t*>(room));
    case LinearInput::kInt8InInt16:
      return quantise(workers, x, {weight.in, width, weight.inverse_smoothing, kMostInt8}, numbers,
                      scales);
  }
  return {x.data, nullptr};
}

}  // namespace llm2clip
