#pragma once

#include <cstdint>

#include "base/shape.h"

namespace llm2clip {

enum class InputKind { kImage, kText, kFeature };

// The kind and size of a batch's inputs: an image with pixels [3, S, S], a text with a largest
// number of tokens, or a language model's feature [D].
struct Input {
  InputKind kind;
  Shape shape;

  // For an image or a feature.
  int64_t numbers() const { return element_count(shape); }
  int64_t most_tokens() const { return shape[0]; }
};

inline Input images_of(int64_t size) { return {InputKind::kImage, {3, size, size}}; }
inline Input texts_of(int64_t most_tokens) { return {InputKind::kText, {most_tokens}}; }
inline Input features_of(int64_t width) { return {InputKind::kFeature, {width}}; }

}  // namespace llm2clip
