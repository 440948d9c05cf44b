#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "model/weights.h"

namespace llm2clip {

// An intermediate result of the network being built; only the Net that gave it knows more.
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
  Weight position;            // [1, N, D], N with the class token where there is one
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

// So many heads of queries; count / kv_count of them share a head of keys and values.
struct GroupedHeads {
  int64_t count, kv_count, dim;
};

// Rotary embedding of neighbouring pairs: (x0, x1) → (x0 cos − x1 sin, x1 cos + x0 sin).
struct Rope {
  int64_t tokens;               // all of them; one that does not turn has cos 1 and sin 0
  std::vector<float> cos, sin;  // [tokens, head dim]

  int64_t head_dim() const { return static_cast<int64_t>(cos.size()) / tokens; }
  bool operator==(const Rope&) const = default;
};

enum class Activation { kQuickGelu, kGelu, kGeluTanh };

// What a model can say. Each engine implements it once; models never know which. The operations
// are the units that engines fuse. Shapes are given for a batch of B pictures of N tokens.
class Net {
 public:
  virtual ~Net() = default;

  // The input: [B, 3, S, S] f32.
  virtual Value pixels() = 0;
  // Patches as tokens, class token first where there is one, positions added: → [B, N, D].
  virtual Value patch_embed(Value pixels, const Conv&, const Tokens&) = 0;
  // Over the last dimension.
  virtual Value layer_norm(Value x, const Norm&) = 0;
  // [.., in] → [.., out]
  virtual Value linear(Value x, const Linear&) = 0;
  // q, k and v side by side, all tokens to all tokens: [B, N, 3D] → [B, N, D].
  virtual Value attention(Value qkv, const Heads&, const Rope*) = 0;
  // One learned query [1, 1, D], projected by `q`, to all tokens: kv [B, N, 2D] → [B, 1, D].
  virtual Value pool_attention(const Weight& query, const Linear& q, Value kv, const Heads&) = 0;
  // gate and up side by side: [.., 2H] → LayerNorm(silu(gate) · up) [.., H].
  virtual Value gated_norm(Value gate_up, const Norm&) = 0;
  virtual Value activation(Value x, Activation) = 0;
  virtual Value add(Value a, Value b) = 0;
  // [B, N, D] → [B, D]
  virtual Value select_token(Value x, int64_t token) = 0;

  // A second way through the same weights, to what becomes of each patch. An engine that offers it
  // says true, and is told what leaves the layers: tokens [B, N, D], the class token's among them.
  // Others leave these as they are.
  virtual bool begin_patches() { return false; }
  virtual void hidden_state(Value /*tokens*/) {}  // one after the other, layer 0 first
  virtual void end_patches(Value /*tokens*/) {}   // [B, N, E], in the space of the embeddings
  // pool_attention() over each token alone: kv [B, N, 2D] → [B, N, D]. Not said to those others.
  virtual Value pool_attention_alone(Value kv);

  // What the text side is made of. N tokens are those of all texts of a batch, padded to rows of
  // one length or one text after the other, as the engine has them. An engine without text towers
  // leaves these as they are: they throw ERR_ENGINE_INCOMPATIBLE.

  // The input: ids of tokens, [.., N].
  virtual Value tokens();
  // The input: what a language model gave for B texts, [B, D] f32.
  virtual Value text_features();
  // Rows of a table [V, D]: [.., N] → [.., N, D].
  virtual Value embed(Value tokens, const Weight& table);
  // x / √(mean of x² + eps) · weight, over the last dimension.
  virtual Value rms_norm(Value x, const RmsNorm&);
  // q, k and v side by side, all tokens of a text to all of it:
  // [.., N, (heads + 2 kv_heads) · dim] → [.., N, heads · dim]. The angles are those of the tokens'
  // places in their text; no text is longer than they are.
  virtual Value text_attention(Value qkv, const GroupedHeads&, const Rope&);
  // gate and up side by side: [.., 2H] → silu(gate) · up [.., H].
  virtual Value gate(Value gate_up);
  // The mean of each text's tokens that count: [.., N, D] → [B, D].
  virtual Value text_mean(Value x);
  // To the length of 1, over the last dimension.
  virtual Value l2_normalize(Value x);
};

}  // namespace llm2clip
