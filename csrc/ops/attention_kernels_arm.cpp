#include "base/cpu_features.h"
#include "ops/attention_kernels.h"

namespace llm2clip {
namespace {

constexpr AttentionKernel kNeon{"own, NEON", attend<float, attention_neon>, attention_scratch_neon};

}  // namespace

// Engines compute in f32 on Arm.
const AttentionKernel& attention_kernel_for(Element, bool) {
  return cpu_isa() == Isa::kGeneric ? kGenericAttention : kNeon;
}

bool has_attention(Element element) { return element == Element::kF32; }

}  // namespace llm2clip
