#include "base/cpu_features_x86.h"
#include "search_kernels.h"

namespace llm2clip::testing {

std::vector<ScoreKernelCase> score_kernels() {
  return {{"avx2", score_rows_avx2, has_avx2(), false},
          {"avx512", score_rows_avx512, has_avx512(), false},
          {"avx512_vnni", score_rows_avx512_vnni, has_avx512_vnni(), true}};
}

}  // namespace llm2clip::testing
