#include "base/dtype.h"

#include <string>

#include "base/error.h"

namespace llm2clip {

Dtype parse_dtype(std::string_view name) {
  if (name == "f64") return Dtype::kF64;
  if (name == "f32") return Dtype::kF32;
  if (name == "f16") return Dtype::kF16;
  if (name == "bf16") return Dtype::kBF16;
  throw Error(ErrorCode::kCheckpointUnsupported,
              "expected weights of type f64, f32, f16 or bf16, found " + std::string(name));
}

const char* name(Dtype dtype) noexcept {
  switch (dtype) {
    case Dtype::kF64: return "f64";
    case Dtype::kF32: return "f32";
    case Dtype::kF16: return "f16";
    case Dtype::kBF16: return "bf16";
  }
  return "?";
}

}  // namespace llm2clip
