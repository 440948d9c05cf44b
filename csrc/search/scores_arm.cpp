#include "search/scores.h"

namespace llm2clip {

ScoreKernel score_kernel(Storage) { return score_rows_plain; }

}  // namespace llm2clip
