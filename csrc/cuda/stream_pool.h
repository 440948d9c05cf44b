#pragma once

#include <memory>

#include "cuda/context.h"
#include "cuda/stream.h"

namespace llm2clip {

// A stream of this device that nobody else has, given back when the last holder lets go; then
// nothing may be under way on it. Streams are used again, and never destroyed: libraries keep
// memory for each that they have seen, as libtorch does cuBLAS's workspaces, for good. Any thread;
// `context` is current on it.
std::shared_ptr<const CudaStream> lend_stream(int device,
                                              const std::shared_ptr<const CudaContext>& context);

}  // namespace llm2clip
