#pragma once

#include <array>

#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// The order in which sessions keep the inputs.
inline constexpr std::array kTextInputs{"input_ids", "attention_mask", "pool_mask"};

// The texts of a batch in a network: rows of tokens, padded on either side, an attention mask and a
// mask of pooled tokens. Each is int64 [B, N].
class Texts {
 public:
  explicit Texts(NetworkWriter& out);  // adds the inputs

  Tensor ids() const { return ids_; }
  // The position id of each token in its text, without padding: int64 [B, N].
  Tensor places() const { return places_; }
  // Which tokens attend to which. All tokens of a text attend to each other: bool [B, 1, N, N].
  Tensor attention_mask() const { return attention_mask_; }
  // The mean over pooled tokens: x [B, N, D] → f32 [B, D].
  Tensor mean(NetworkWriter& out, Tensor x) const;

 private:
  Tensor ids_, places_, attention_mask_, pool_mask_;
};

}  // namespace llm2clip::tensorrt
