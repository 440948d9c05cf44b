#pragma once

#include <memory>

#include "cuda/context.h"
#include "cuda/stream.h"

namespace llm2clip {

// Lends a stream of this device to one holder. The stream returns to the pool when the last holder
// releases it; no work may be pending on it then. Streams are reused and never destroyed, because
// libraries permanently keep memory for every stream they have seen (libtorch, for example, keeps
// cuBLAS's workspaces). Any thread may call this; `context` must be current on it.
std::shared_ptr<const CudaStream> lend_stream(int device,
                                              const std::shared_ptr<const CudaContext>& context);

}  // namespace llm2clip
