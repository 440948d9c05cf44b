#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "engine/torchscript/cuda/cuda_error.h"

namespace llm2clip {

// Returns the first of libtorch's fused attentions that runs heads of this size on this GPU and for
// which `agrees` returns true, which means that its result equals the plain attention's. Throws
// ERR_DEVICE_UNAVAILABLE when there is none.
template <typename Attention, typename Agrees>
Attention first_that_agrees(const std::vector<Attention>& in_order, int64_t head_dim,
                            const Agrees& agrees) {
  std::string reasons;
  for (const Attention attention : in_order) {
    std::string reason = "it gives other numbers";
    try {
      if (agrees(attention)) return attention;
    } catch (const c10::Error& error) {
      if (means_no_memory(error)) throw;
      reason = first_line(error.what_without_backtrace());
    }
    reasons += (reasons.empty() ? "" : "; ") + name(attention) + ": " + reason;
  }
  throw Error(ErrorCode::kDeviceUnavailable, "expected a fused attention for heads of " +
                                                 std::to_string(head_dim) +
                                                 " on this GPU, found none (" + reasons + ")");
}

}  // namespace llm2clip
