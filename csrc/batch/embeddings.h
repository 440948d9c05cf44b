#pragma once

#include <cstdint>
#include <memory>

namespace llm2clip {

// The result of a run: one vector per input, or the other output that was requested.
struct Embeddings {
  const float* data;  // [batch, dim]
  int64_t batch, dim;
  std::shared_ptr<const void> owner;  // of data
};

}  // namespace llm2clip
