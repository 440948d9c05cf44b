#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/weights.h"

namespace llm2clip {

// An intermediate result of the network under construction. Only the Net that returned it can
// interpret it.
struct Value {
  int id;
};

struct Conv {
  Weight weight;  // [D, 3, P, P]
  std::optional<Weight> bias;
  int64_t patch;
};

struct Tokens {
  std::optional<Weight> cls;  // [1, 1, D]
  Weight position;            // [1, N, D]; N includes the class token if there is one
};

struct Norm {
  Weight weight, bias;  // [D]
  double eps;
};

struct RmsNorm {
  Weight weight;  // [D]
  double eps;
};

struct Linear {
  Weight weight;  // [out, in]
  std::optional<Weight> bias;
};

struct Heads {
  int64_t count;
  int64_t dim;
};

// `count` query heads and `kv_count` key and value heads. count / kv_count query heads share one
// key and value head.
struct GroupedHeads {
  int64_t count, kv_count, dim;
};

// RoPE over neighbouring pairs: (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).
struct Rope {
  int64_t tokens;               // count of all tokens; unrotated ones have cos 1 and sin 0
  std::vector<float> cos, sin;  // [tokens, head dim]

  int64_t head_dim() const { return static_cast<int64_t>(cos.size()) / tokens; }
  bool operator==(const Rope&) const = default;
};

enum class Activation { kQuickGelu, kGelu, kGeluTanh };

// The operations that models are written in. Each engine implements them once, and models do not
// know which engine they run on. The operations are the units that engines fuse. The shapes below
// are for a batch of B images with N tokens each.
class Net {
 public:
  virtual ~Net() = default;

  // The input: [B, 3, S, S] f32.
  virtual Value pixels() = 0;
  // Returns the patches as tokens with position embeddings added: → [B, N, D]. If there is a class
  // token, it comes first.
  virtual Value patch_embed(Value pixels, const Conv&, const Tokens&) = 0;
  // Normalises over the last dimension.
  virtual Value layer_norm(Value x, const Norm&) = 0;
  // [.., in] → [.., out]
  virtual Value linear(Value x, const Linear&) = 0;
  // q, k and v lie side by side. Every token attends to all tokens: [B, N, 3D] → [B, N, D].
  virtual Value attention(Value qkv, const Heads&, const Rope*) = 0;
  // One learned query [1, 1, D], projected by `q`, attends to all tokens:
  // kv [B, N, 2D] → [B, 1, D].
  virtual Value pool_attention(const Weight& query, const Linear& q, Value kv, const Heads&) = 0;
  // gate and up lie side by side: [.., 2H] → LayerNorm(silu(gate) · up) [.., H].
  virtual Value gated_norm(Value gate_up, const Norm&) = 0;
  virtual Value activation(Value x, Activation) = 0;
  virtual Value add(Value a, Value b) = 0;
  // [B, N, D] → [B, D]
  virtual Value select_token(Value x, int64_t token) = 0;

  // A second pass through the same weights that computes one embedding per patch. An engine that
  // supports it returns true from begin_patches(). The model then reports the output of each layer:
  // tokens [B, N, D], including the class token. An engine without patch embeddings keeps these
  // defaults.
  virtual bool begin_patches() { return false; }
  virtual void hidden_state(Value /*tokens*/) {}  // called in order, layer 0 first
  virtual void end_patches(Value /*tokens*/) {}   // [B, N, E], in the embedding space
  // pool_attention() over each token by itself: kv [B, N, 2D] → [B, N, D]. A model calls it only
  // when begin_patches() returned true.
  virtual Value pool_attention_alone(Value kv);

  // The operations of the text side. N counts the tokens of all texts of a batch. The engine
  // decides whether texts are padded to rows of one length or packed one after the other. An engine
  // without text towers keeps these defaults, which throw ERR_ENGINE_INCOMPATIBLE.

  // The input: token ids, [.., N].
  virtual Value tokens();
  // The input: the features of B texts from a language model, [B, D] f32.
  virtual Value text_features();
  // Looks up rows of a table [V, D]: [.., N] → [.., N, D].
  virtual Value embed(Value tokens, const Weight& table);
  // x / √(mean of x² + eps) · weight, over the last dimension.
  virtual Value rms_norm(Value x, const RmsNorm&);
  // q, k and v lie side by side. Every token attends to all tokens of its text:
  // [.., N, (heads + 2 kv_heads) · dim] → [.., N, heads · dim]. The position id of a token is its
  // index in its text. No text has more tokens than the Rope has positions.
  virtual Value text_attention(Value qkv, const GroupedHeads&, const Rope&);
  // gate and up lie side by side: [.., 2H] → silu(gate) · up [.., H].
  virtual Value gate(Value gate_up);
  // The mean over the pooled tokens of each text: [.., N, D] → [B, D].
  virtual Value text_mean(Value x);
  // Scales vectors of the last dimension to length 1.
  virtual Value l2_normalize(Value x);
};

}  // namespace llm2clip
