#include <arm_neon.h>

#include "base/float_convert.h"
#include "search/encode_rows.h"

namespace llm2clip {

void round_to_fp16(const float* in, uint16_t* out, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + i))));
  }
  from_float(in + i, Dtype::kF16, reinterpret_cast<std::byte*>(out + i),
             static_cast<size_t>(count - i));
}

}  // namespace llm2clip
