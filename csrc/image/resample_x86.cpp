#include "image/resample.h"

#include "base/cpu_features.h"

namespace llm2clip {

Resampler resampler() {
  if (cpu_isa() >= Isa::kAvx2) return {resample_rows_avx2, resample_columns_avx2};
  return {resample_rows_plain, resample_columns_plain};
}

}  // namespace llm2clip
