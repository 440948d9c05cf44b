#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "base/shape.h"

namespace llm2clip {

// What a module's forward() takes, made of the inputs of a batch. Its arguments say which kind of
// tower it is: a tensor of pixels or features as it lies; tokens of texts that follow each other
// (native flavour); or texts as rows padded on the left, with masks (portable).
class ModuleInputs {
 public:
  enum class Kind { kTensor, kTexts, kPaddedTexts };

  ModuleInputs(const torch::jit::Module& module, Shape one);

  Kind kind() const { return kind_; }
  bool are_texts() const { return kind_ != Kind::kTensor; }

  // How many of `count` inputs to run first, at least one: such that no run but one of a single
  // input has more tokens than `most`, those of padding among them. Without padding all runs have
  // about as many.
  int64_t at_once(const float* inputs, int64_t count, int64_t most) const;

  // Of `count` inputs, which are only read, and live as long as the result.
  std::vector<c10::IValue> of(const float* inputs, int64_t count) const;

 private:
  static Kind kind_of(const torch::jit::Module& module);
  int64_t tokens_of(const float* input) const;
  int64_t evenly_at_once(const float* inputs, int64_t count, int64_t most) const;
  int64_t rows_at_once(const float* inputs, int64_t count, int64_t most) const;

  std::vector<c10::IValue> texts(const float* inputs, int64_t count) const;
  std::vector<c10::IValue> padded_texts(const float* inputs, int64_t count) const;

  Kind kind_;
  Shape one_;
  int64_t size_;    // of one
  int64_t tokens_;  // of one, unless it is a text
};

}  // namespace llm2clip
