#pragma once

#include "engine/per_rope.h"
#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// What queries are multiplied by: the library's attention does not scale.
float attention_scale(int64_t dim);

// `count` heads from `first` on of [B, N, heads · dim] → [B, count, N, dim]
Tensor some_heads(NetworkWriter& out, Tensor x, int64_t first, int64_t count, int64_t dim);

// q, k, v [B, H, N, dim], q scaled already → [B, N, H · dim]; of k and v there may be fewer heads,
// each for as many of q. `mask`: bool [B, 1, N, N], true where a token attends to another; null:
// all to all. By one fused kernel, or the build fails: an attention that falls apart would be slow
// without anybody knowing. Of f32 there is no such kernel, and it may.
Tensor attend(NetworkWriter& out, Tensor q, Tensor k, Tensor v, Tensor mask = nullptr);

// The rotary embeddings of queries or of keys, in f32. A network holds the tables of each once.
class Turns {
 public:
  enum class Of { kQueries, kKeys };
  // Queries are also multiplied by the attention's scale.
  explicit Turns(Of of) : of_(of) {}
  // x: [B, H, N, dim] → the same. Token i turns by angle i, or by that of its place: int64 [B, N].
  // A network gives places with all of its rotations or with none.
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
