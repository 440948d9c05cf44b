#include "search_kernels.h"

namespace llm2clip::testing {

std::vector<ScoreKernelCase> score_kernels() { return {}; }

}  // namespace llm2clip::testing
