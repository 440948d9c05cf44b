#include "base/cpu_features_x86.h"
#include "base/float_convert.h"
#include "search/encode_rows.h"

namespace llm2clip {

void round_to_fp16(const float* in, uint16_t* out, int64_t count) {
  static const bool converts = has_avx2();
  if (converts) return round_to_fp16_avx2(in, out, count);
  from_float(in, Dtype::kF16, reinterpret_cast<std::byte*>(out), static_cast<size_t>(count));
}

}  // namespace llm2clip
