#pragma once

#include "kernels/cpu/attention.h"
#include "ops/attention.h"

namespace llm2clip {

// A kernel that computes heads first to last − 1 of the images or the text that begin with row
// `begin`, and the number of floats that it needs as scratch memory.
struct AttentionKernel {
  const char* name;
  void (*attend)(ConstMatrix qkv, Matrix out, const AttentionArguments& a, float* scratch,
                 int64_t begin, int64_t first, int64_t last);
  int64_t (*scratch)(const AttentionArguments& a);
};

template <typename T, auto kAttend>
void attend(ConstMatrix qkv, Matrix out, const AttentionArguments& a, float* scratch, int64_t begin,
            int64_t first, int64_t last) {
  kAttend(qkv.as<T>() + begin * qkv.width, out.as<T>() + begin * out.width, a, scratch, first,
          last);
}

constexpr AttentionKernel kGenericAttention{"own, generic", attend<float, attention_generic>,
                                            attention_scratch_generic};

// The fastest kernel of this processor. Each architecture has a file that defines this function and
// has_attention().
const AttentionKernel& attention_kernel_for(Element element, bool half);

}  // namespace llm2clip
