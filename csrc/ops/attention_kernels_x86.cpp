#include "base/cpu_features.h"
#include "base/cpu_features_x86.h"
#include "ops/attention_kernels.h"

namespace llm2clip {
namespace {

constexpr AttentionKernel kAvx2{"own, AVX2", attend<float, attention_avx2>, attention_scratch_avx2};
constexpr AttentionKernel kAvx512{"own, AVX-512", attend<float, attention_avx512>,
                                  attention_scratch};
constexpr AttentionKernel kInt16Avx2{"own, AVX2 in int16", attend<float, attention_int16_avx2>,
                                     attention_scratch_int16_avx2};
constexpr AttentionKernel kInt16{"own, AVX-512 VNNI in int16", attend<float, attention_avx512_vnni>,
                                 attention_scratch_int16};
constexpr AttentionKernel kBf16{"own, AVX-512 BF16", attend<uint16_t, attention_avx512_bf16>,
                                attention_scratch_bf16};

}  // namespace

const AttentionKernel& attention_kernel_for(Element element, bool half) {
  // Engines compute in bf16 only on processors that multiply it.
  if (element == Element::kBf16) return kBf16;
  switch (cpu_isa()) {
    case Isa::kGeneric: break;
    case Isa::kAvx2:
    case Isa::kAvxVnni: return half ? kInt16Avx2 : kAvx2;
    case Isa::kAvx512Vnni: return half ? kInt16 : kAvx512;
    default: return kAvx512;
  }
  return kGenericAttention;
}

bool has_attention(Element element) { return element == Element::kF32 || has_avx512_bf16(); }

}  // namespace llm2clip
