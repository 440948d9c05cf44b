#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "batch/batch_view.h"
#include "batch/input.h"

namespace llm2clip {

// Makes the arguments of a module's forward() from the inputs of a batch: pixels or features as one
// tensor, without a copy; texts as successive tokens for the native flavour, else as rows padded on
// the left, with masks.
class ModuleInputs {
 public:
  enum class Kind { kTensor, kTexts, kPaddedTexts };

  // `input`: the kind of input that the module is opened for.
  ModuleInputs(const torch::jit::Module& module, Input input);

  Kind kind() const { return kind_; }
  bool are_texts() const { return kind_ != Kind::kTensor; }

  // The number of inputs of `batch` to run first, at least one. No run has more than `most` tokens,
  // including padding, unless it has a single input. Without padding, all runs get about the same
  // number of tokens.
  int64_t at_once(const BatchView& batch, int64_t most) const;

  // `batch` is only read, and must exist as long as the result.
  std::vector<c10::IValue> of(const BatchView& batch) const;

 private:
  Input input_;
  Kind kind_;
  int64_t tokens_;  // per input, unless it is a text
};

}  // namespace llm2clip
