#pragma once

#include "ops/workers.h"

namespace llm2clip {

// torch's threads, as many as the calling thread's setting says. Scratch memory belongs to the
// calling thread and is kept until it ends.
Workers& torch_workers();

}  // namespace llm2clip
