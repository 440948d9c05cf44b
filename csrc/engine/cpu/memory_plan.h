#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/cpu/plan.h"
#include "ops/matrix.h"

namespace llm2clip::cpu {

// The number of rows of a run.
struct RowCounts {
  int64_t inputs, tokens, patches;

  int64_t of(Rows rows) const {
    switch (rows) {
      case Rows::kInput: return inputs;
      case Rows::kPatch: return patches;
      case Rows::kToken: return tokens;
    }
    return 0;
  }
  bool operator==(const RowCounts&) const = default;
};

// Where the values of a program lie in one block of memory. Values that are never needed at the
// same time share their place.
struct MemoryPlan {
  std::vector<size_t> offsets;  // by value; meaningless for values that the program does not write
  // The place of the memory that a step needs while it runs, after all values.
  size_t room = 0;
};

// Plans the memory of a program for a run of this size. The input (value 0 without texts) has
// memory of its own, and none here. Throws ERR_OUT_OF_MEMORY if no machine has enough.
MemoryPlan plan_memory(const Plan& plan, const Program& program, const RowCounts& counts,
                       Element compute);

// Throws ERR_OUT_OF_MEMORY, as plan_memory() does.
size_t bytes_of(const PlanValue& value, const RowCounts& counts, Element compute);

}  // namespace llm2clip::cpu
