#pragma once

#include <cstddef>
#include <string_view>

namespace llm2clip {

enum class Dtype { kF64, kF32, kF16, kBF16 };

constexpr size_t size_of(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF64: return 8;
    case Dtype::kF32: return 4;
    case Dtype::kF16:
    case Dtype::kBF16: return 2;
  }
  return 0;
}

// "f32" → kF32. Throws ERR_CHECKPOINT_UNSUPPORTED for a type that weights cannot have.
Dtype parse_dtype(std::string_view name);
const char* name(Dtype dtype) noexcept;

}  // namespace llm2clip
