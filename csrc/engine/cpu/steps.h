#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include "model/net.h"

namespace llm2clip::cpu {

// Indexes into a plan's values and tensors.
struct ValueId {
  int32_t place = -1;
};
struct TensorId {
  int32_t place = -1;
};
using OptionalTensor = std::optional<TensorId>;

// The steps of a plan. Each step names its fields once, in visit(), and everything that only walks
// over fields is derived from that: writing, reading, checking of indexes, and lifetimes. The
// visitor is called with reads(value), writes(value), tensor(tensor or optional tensor),
// count(a positive number) and real(a number); reuses(out, in) tells that `out` may take the place
// of `in` in memory. A step of the same name in ops/ says what it computes.

// What a visitor that looks at values alone does with the other fields.
struct IgnoresOtherFields {
  void tensor(const TensorId&) {}
  void tensor(const OptionalTensor&) {}
  void count(int64_t) {}
  void real(double) {}
};

struct PatchesStep {
  static constexpr std::string_view kName = "patches";
  ValueId pixels, out;
  int64_t patch = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(pixels), v.writes(out), v.count(patch);
  }
};

// Adds the class token, if there is one, and the position embeddings.
struct PatchTokensStep {
  static constexpr std::string_view kName = "patch_tokens";
  ValueId x, out;
  OptionalTensor cls;
  TensorId position;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.tensor(cls), v.tensor(position);
  }
};

struct LinearStep {
  static constexpr std::string_view kName = "linear";
  ValueId x, out;
  TensorId weight;
  OptionalTensor bias, scales, inverse_smoothing;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.tensor(weight), v.tensor(bias), v.tensor(scales);
    v.tensor(inverse_smoothing);
  }
};

struct LayerNormStep {
  static constexpr std::string_view kName = "layer_norm";
  ValueId x, out;
  TensorId weight, bias;
  double eps = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.tensor(weight), v.tensor(bias), v.real(eps);
  }
};

struct AddLayerNormStep {
  static constexpr std::string_view kName = "add_layer_norm";
  ValueId x, y, sum, out;
  TensorId weight, bias;
  double eps = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.reads(y), v.writes(sum), v.writes(out), v.tensor(weight), v.tensor(bias);
    v.real(eps), v.reuses(sum, x);
  }
};

struct RmsNormStep {
  static constexpr std::string_view kName = "rms_norm";
  ValueId x, out;
  TensorId weight;
  double eps = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.tensor(weight), v.real(eps);
  }
};

struct AddRmsNormStep {
  static constexpr std::string_view kName = "add_rms_norm";
  ValueId x, y, sum, out;
  TensorId weight;
  double eps = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.reads(y), v.writes(sum), v.writes(out), v.tensor(weight), v.real(eps);
    v.reuses(sum, x);
  }
};

struct GatedNormStep {
  static constexpr std::string_view kName = "gated_norm";
  ValueId x, out;
  TensorId weight, bias;
  double eps = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.tensor(weight), v.tensor(bias), v.real(eps);
  }
};

struct GateStep {
  static constexpr std::string_view kName = "gate";
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out);
  }
};

constexpr std::string_view activation_name(Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu: return "quick_gelu";
    case Activation::kGelu: return "gelu";
    case Activation::kGeluTanh: return "gelu_tanh";
  }
  return {};
}

template <Activation kActivation>
struct ActivationStep {
  static constexpr std::string_view kName = activation_name(kActivation);
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.reuses(out, x);
  }
};

// Attention of images. angles: cosines, then sines, [2, tokens, dim].
struct AttentionStep {
  static constexpr std::string_view kName = "attention";
  ValueId qkv, out;
  int64_t heads = 0, dim = 0;
  OptionalTensor angles;
  template <typename V>
  void visit(V& v) {
    v.reads(qkv), v.writes(out), v.count(heads), v.count(dim), v.tensor(angles);
  }
};

// angles: [2, largest number of tokens, dim].
struct TextAttentionStep {
  static constexpr std::string_view kName = "text_attention";
  ValueId qkv, out;
  int64_t heads = 0, kv_heads = 0, dim = 0;
  TensorId angles;
  template <typename V>
  void visit(V& v) {
    v.reads(qkv), v.writes(out), v.count(heads), v.count(kv_heads), v.count(dim), v.tensor(angles);
  }
};

// query: already projected.
struct PoolAttentionStep {
  static constexpr std::string_view kName = "pool_attention";
  ValueId kv, out;
  TensorId query;
  int64_t heads = 0;
  template <typename V>
  void visit(V& v) {
    v.reads(kv), v.writes(out), v.tensor(query), v.count(heads);
  }
};

// The second half of each row.
struct SecondHalfStep {
  static constexpr std::string_view kName = "second_half";
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out);
  }
};

struct AddStep {
  static constexpr std::string_view kName = "add";
  ValueId a, b, out;
  template <typename V>
  void visit(V& v) {
    v.reads(a), v.reads(b), v.writes(out);
  }
};

// token: counts from 1, as all counts do.
struct SelectTokenStep {
  static constexpr std::string_view kName = "select_token";
  ValueId x, out;
  int64_t token = 1;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out), v.count(token);
  }
};

struct EmbedStep {
  static constexpr std::string_view kName = "embed";
  ValueId out;
  TensorId table;
  template <typename V>
  void visit(V& v) {
    v.writes(out), v.tensor(table);
  }
};

struct TextMeanStep {
  static constexpr std::string_view kName = "text_mean";
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out);
  }
};

struct L2NormalizeStep {
  static constexpr std::string_view kName = "l2_normalize";
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out);
  }
};

// Copies the input of the linear layer that follows, and shows it to whoever observes the run.
struct ObserveStep {
  static constexpr std::string_view kName = "observe";
  ValueId x, out;
  template <typename V>
  void visit(V& v) {
    v.reads(x), v.writes(out);
  }
};

// Marks a layer's output, which a run may end with.
struct HiddenStateStep {
  static constexpr std::string_view kName = "hidden_state";
  ValueId tokens;
  template <typename V>
  void visit(V& v) {
    v.reads(tokens);
  }
};

using Step = std::variant<PatchesStep, PatchTokensStep, LinearStep, LayerNormStep, AddLayerNormStep,
                          RmsNormStep, AddRmsNormStep, GatedNormStep, GateStep,
                          ActivationStep<Activation::kQuickGelu>, ActivationStep<Activation::kGelu>,
                          ActivationStep<Activation::kGeluTanh>, AttentionStep, TextAttentionStep,
                          PoolAttentionStep, SecondHalfStep, AddStep, SelectTokenStep, EmbedStep,
                          TextMeanStep, L2NormalizeStep, ObserveStep, HiddenStateStep>;

}  // namespace llm2clip::cpu
