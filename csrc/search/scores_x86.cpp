#include "search/scores.h"

#include "base/cpu_features.h"
#include "base/cpu_features_x86.h"

namespace llm2clip {

ScoreKernel score_kernel(Storage storage) {
  const Isa isa = cpu_isa();
  if (storage == Storage::kInt8 && isa >= Isa::kAvx512Vnni) return score_rows_avx512_vnni;
  if (isa >= Isa::kAvx512) return score_rows_avx512;
  return has_avx2() ? score_rows_avx2 : score_rows_plain;
}

}  // namespace llm2clip
