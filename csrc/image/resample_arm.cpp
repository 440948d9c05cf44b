#include "image/resample.h"

namespace llm2clip {

Resampler resampler() { return {resample_rows_plain, resample_columns_plain}; }

}  // namespace llm2clip
