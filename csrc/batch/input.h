#pragma once

#include <cstdint>

#include "base/shape.h"

namespace llm2clip {

enum class InputKind { kImage, kText, kFeature };

// What one input of a batch is: an image as pixels [3, S, S], a text of at most so many tokens, or
// the feature [D] that a language model made of a text.
struct Input {
  InputKind kind;
  Shape shape;

  // Of an image or a feature.
  int64_t numbers() const { return element_count(shape); }
  int64_t most_tokens() const { return shape[0]; }
};

inline Input images_of(int64_t size) { return {InputKind::kImage, {3, size, size}}; }
inline Input texts_of(int64_t most_tokens) { return {InputKind::kText, {most_tokens}}; }
inline Input features_of(int64_t width) { return {InputKind::kFeature, {width}}; }

}  // namespace llm2clip
