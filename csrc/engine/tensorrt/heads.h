#pragma once

#include "engine/per_rope.h"
#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// The factor for the queries, because the library's attention does not scale.
float attention_scale(int64_t dim);

// Takes `count` heads, from head `first` on, of [B, N, heads · dim] → [B, count, N, dim].
Tensor some_heads(NetworkWriter& out, Tensor x, int64_t first, int64_t count, int64_t dim);

// q, k, v [B, H, N, dim], q scaled already → [B, N, H · dim]. k and v may have fewer heads; then
// several query heads share one. `mask` is bool [B, 1, N, N], true where a token attends to
// another, or null when every token attends to all tokens. In half types the build fails unless one
// fused kernel computes the attention, because separate kernels would be slow without notice. For
// f32 there is no fused kernel, so separate kernels are allowed.
Tensor attend(NetworkWriter& out, Tensor q, Tensor k, Tensor v, Tensor mask = nullptr);

// RoPE of queries or of keys, in f32. A network stores the tables of each once.
class Turns {
 public:
  enum class Of { kQueries, kKeys };
  // Queries are also multiplied by the attention's scale.
  explicit Turns(Of of) : of_(of) {}
  // Rotates x [B, H, N, dim]. The position id of token i is i, or that in `places`, int64 [B, N].
  // A network passes places with all of its rotations or with none.
  Tensor turn(NetworkWriter& out, Tensor x, const Rope& rope, Tensor places = nullptr);

 private:
  struct Tables {
    Tensor cos, sin;  // f32 [B, N, dim / 2]; by place, [tokens, dim / 2]
  };
  Tensor table(NetworkWriter& out, const std::vector<float>& angles, const Rope& rope, Tensor x,
               bool by_place) const;

  Of of_;
  PerRope<Tables> tables_;
};

}  // namespace llm2clip::tensorrt
