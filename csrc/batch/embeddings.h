#pragma once

#include <cstdint>
#include <memory>

namespace llm2clip {

// What a run gives: a vector for each of its inputs, or other numbers that were asked for.
struct Embeddings {
  const float* data;  // [batch, dim]
  int64_t batch, dim;
  std::shared_ptr<const void> owner;  // of data
};

}  // namespace llm2clip
