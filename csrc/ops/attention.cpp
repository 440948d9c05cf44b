#include "ops/attention.h"

#include <algorithm>

#include "kernels/cpu/pool_attention.h"
#include "ops/attention_kernels.h"

namespace llm2clip {
namespace {

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
  const AttentionKernel& kernel = attention_kernel_for(qkv.element, image.half);
  const AttentionArguments a{image.tokens, image.heads, image.dim, image.cos, image.sin};
  in_shares(workers, qkv.rows / a.tokens * a.heads, heads_per_share(a),
            [&](int64_t first, int64_t last, int64_t worker) {
              float* scratch = scratch_of(workers, worker, kernel.scratch(a));
              kernel.attend(qkv, out, a, scratch, 0, first, last);
            });
}

void text_attention(Workers& workers, const TextAttention& text, std::span<const int32_t> offsets,
                    ConstMatrix qkv, Matrix out) {
  const AttentionKernel& kernel = attention_kernel_for(qkv.element, text.half);
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

std::string attention_kernel(Element element, bool half) {
  return attention_kernel_for(element, half).name;
}

}  // namespace llm2clip
