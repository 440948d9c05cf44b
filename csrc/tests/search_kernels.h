#pragma once

#include <vector>

#include "search/scores.h"

namespace llm2clip::testing {

struct ScoreKernelCase {
  const char* name;
  ScoreKernel run;
  bool there, int8_only;
};

// The fast kernels of this architecture.
std::vector<ScoreKernelCase> score_kernels();

}  // namespace llm2clip::testing
