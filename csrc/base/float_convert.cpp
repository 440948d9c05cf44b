#include "base/float_convert.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/float16.h"

namespace llm2clip {
namespace {

float bf16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

constexpr uint16_t kQuietNan = 0x7fc0;

uint16_t float_to_bf16(float value) {
  if (std::isnan(value)) return kQuietNan;  // rounding might carry it to zero
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t round_to_even = 0x7fff + ((bits >> 16) & 1);
  return static_cast<uint16_t>((bits + round_to_even) >> 16);
}

template <typename T>
T load(const std::byte* in, size_t i) {
  T value;
  std::memcpy(&value, in + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void store(std::byte* out, size_t i, T value) {
  std::memcpy(out + i * sizeof(T), &value, sizeof(T));
}

}  // namespace

void to_float(Dtype from, const std::byte* in, float* out, size_t count) {
  switch (from) {
    case Dtype::kF64:
      for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<double>(in, i));
      return;
    case Dtype::kF32: std::memcpy(out, in, count * sizeof(float)); return;
    case Dtype::kF16:
      for (size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<Float16>(in, i));
      return;
    case Dtype::kBF16:
      for (size_t i = 0; i < count; ++i) out[i] = bf16_to_float(load<uint16_t>(in, i));
      return;
  }
}

void from_float(const float* in, Dtype to, std::byte* out, size_t count) {
  switch (to) {
    case Dtype::kF64:
      for (size_t i = 0; i < count; ++i) store<double>(out, i, in[i]);
      return;
    case Dtype::kF32: std::memcpy(out, in, count * sizeof(float)); return;
    case Dtype::kF16:
      for (size_t i = 0; i < count; ++i) store<Float16>(out, i, static_cast<Float16>(in[i]));
      return;
    case Dtype::kBF16:
      for (size_t i = 0; i < count; ++i) store<uint16_t>(out, i, float_to_bf16(in[i]));
      return;
  }
}

void round_to_bf16(const float* in, float* out, size_t count) {
  for (size_t i = 0; i < count; ++i) out[i] = bf16_to_float(float_to_bf16(in[i]));
}

bool all_finite(const float* values, size_t count) {
  uint32_t nonfinite = 0;
  for (size_t i = 0; i < count; ++i) {
    const uint32_t exponent = std::bit_cast<uint32_t>(values[i]) & 0x7f800000;
    nonfinite |= static_cast<uint32_t>(exponent == 0x7f800000);
  }
  return nonfinite == 0;
}

float max_magnitude(const float* values, size_t count) {
  float largest = 0;
  for (size_t i = 0; i < count; ++i) largest = std::fmax(largest, std::fabs(values[i]));
  return largest;
}

}  // namespace llm2clip
