#pragma once

#include <array>

#include "engine/tensorrt/network_writer.h"

namespace llm2clip::tensorrt {

// In the order in which sessions keep them.
inline constexpr std::array kTextInputs{"input_ids", "attention_mask", "pool_mask"};

// The texts of a batch as a network sees them: rows of tokens, padded on either side, and masks
// that say which are there and which count for the mean. int64 [B, N] each.
class Texts {
 public:
  explicit Texts(NetworkWriter& out);  // adds the inputs

  Tensor ids() const { return ids_; }
  // Of each token in its text, whatever padding is before it: int64 [B, N].
  Tensor places() const { return places_; }
  // Which tokens attend to which, those of a text to all of it: bool [B, 1, N, N].
  Tensor attention_mask() const { return attention_mask_; }
  // Of those that count: x [B, N, D] → f32 [B, D].
  Tensor mean(NetworkWriter& out, Tensor x) const;

 private:
  Tensor ids_, places_, attention_mask_, pool_mask_;
};

}  // namespace llm2clip::tensorrt
