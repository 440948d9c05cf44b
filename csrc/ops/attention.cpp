#include "ops/attention.h"

#include <algorithm>

#include "base/cpu_features.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/pool_attention.h"

namespace llm2clip {
namespace {

// A kernel that computes heads first to last − 1 of the images or the text that begin with row
// `begin`, and the number of floats that it needs as scratch memory.
struct Kernel {
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

constexpr Kernel kGeneric{"own, generic", attend<float, attention_generic>,
                          attention_scratch_generic};
constexpr Kernel kAvx2{"own, AVX2", attend<float, attention_avx2>, attention_scratch_avx2};
constexpr Kernel kAvx512{"own, AVX-512", attend<float, attention_avx512>, attention_scratch};
constexpr Kernel kInt16Avx2{"own, AVX2 in int16", attend<float, attention_int16_avx2>,
                            attention_scratch_int16_avx2};
constexpr Kernel kInt16{"own, AVX-512 VNNI in int16", attend<float, attention_avx512_vnni>,
                        attention_scratch_int16};
constexpr Kernel kBf16{"own, AVX-512 BF16", attend<uint16_t, attention_avx512_bf16>,
                       attention_scratch_bf16};

const Kernel& kernel_for(Element element, bool half) {
  // Engines compute in bf16 only on processors that multiply it.
  if (element == Element::kBf16) return kBf16;
  switch (cpu_isa()) {
    case Isa::kGeneric: return kGeneric;
    case Isa::kAvx2:
    case Isa::kAvxVnni: return half ? kInt16Avx2 : kAvx2;
    case Isa::kAvx512Vnni: return half ? kInt16 : kAvx512;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
    case Isa::kAmx: return kAvx512;
  }
  return kGeneric;
}

float* scratch_of(Workers& workers, int64_t worker, int64_t floats) {
  return reinterpret_cast<float*>(
      workers.scratch(worker, static_cast<size_t>(floats) * sizeof(float)));
}

// The number of heads per share, so that a share is worth more than the handing out of it.
int64_t heads_per_share(const AttentionArguments& a) {
  constexpr int64_t kProducts = 1 << 17;  // some 10 µs
  return kProducts / (a.tokens * a.tokens * a.dim) + 1;
}

// Calls body(first, last, worker) for blocks of `heads` heads.
template <typename Body>
void in_shares(Workers& workers, int64_t heads, int64_t per_share, const Body& body) {
  workers.run((heads + per_share - 1) / per_share, [&](int64_t share, int64_t worker) {
    body(share * per_share, std::min(heads, (share + 1) * per_share), worker);
  });
}

int64_t longest(std::span<const int32_t> offsets) {
  int64_t most = 0;
  for (size_t i = 1; i < offsets.size(); ++i) {
    most = std::max<int64_t>(most, offsets[i] - offsets[i - 1]);
  }
  return most;
}

}  // namespace

void attention(Workers& workers, const ImageAttention& image, ConstMatrix qkv, Matrix out) {
  const Kernel& kernel = kernel_for(qkv.element, image.half);
  const AttentionArguments a{image.tokens, image.heads, image.dim, image.cos, image.sin};
  in_shares(workers, qkv.rows / a.tokens * a.heads, heads_per_share(a),
            [&](int64_t first, int64_t last, int64_t worker) {
              float* scratch = scratch_of(workers, worker, kernel.scratch(a));
              kernel.attend(qkv, out, a, scratch, 0, first, last);
            });
}

void text_attention(Workers& workers, const TextAttention& text, std::span<const int32_t> offsets,
                    ConstMatrix qkv, Matrix out) {
  const Kernel& kernel = kernel_for(qkv.element, text.half);
  const AttentionArguments most{longest(offsets), text.heads, text.dim,
                                text.cos,         text.sin,   text.kv_heads};
  const int64_t room = kernel.scratch(most);
  const auto heads = static_cast<int64_t>(offsets.size() - 1) * text.heads;
  in_shares(workers, heads, heads_per_share(most),
            [&](int64_t first, int64_t last, int64_t worker) {
              float* scratch = scratch_of(workers, worker, room);
              for (int64_t i = first; i < last; ++i) {
                const auto at = static_cast<size_t>(i / text.heads);
                AttentionArguments a = most;
                a.tokens = offsets[at + 1] - offsets[at];
                const int64_t head = i % text.heads;
                kernel.attend(qkv, out, a, scratch, offsets[at] - offsets[0], head, head + 1);
              }
            });
}

void pool_attention(Workers& workers, int64_t heads, const float* query, int64_t tokens,
                    ConstMatrix kv, Matrix out) {
  const PoolAttentionArguments a{tokens, heads, out.width / heads};
  for_element(kv.element, [&]<typename T>() {
    workers.run(out.rows * heads, [&](int64_t head, int64_t worker) {
      float* scratch = scratch_of(workers, worker, pool_attention_scratch(a));
      pool_attention_heads(query, kv.as<T>(), out.as<T>(), a, scratch, head, head + 1);
    });
  });
}

std::string attention_kernel(Element element, bool half) { return kernel_for(element, half).name; }

}  // namespace llm2clip
