#include "ops/attention_kernels.h"

namespace llm2clip {

// Engines compute in f32 on Arm.
const AttentionKernel& attention_kernel_for(Element, bool) { return kGenericAttention; }

bool has_attention(Element element) { return element == Element::kF32; }

}  // namespace llm2clip
