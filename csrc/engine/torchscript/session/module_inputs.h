#pragma once

#include <torch/csrc/jit/api/module.h>

#include <vector>

#include "batch/batch_view.h"
#include "batch/input.h"

namespace llm2clip {

// What a module's forward() takes, made of the inputs of a batch: a tensor of pixels or features as
// it lies; tokens of texts that follow each other, where the file is of the native flavour; else
// texts as rows padded on the left, with masks.
class ModuleInputs {
 public:
  enum class Kind { kTensor, kTexts, kPaddedTexts };

  // `input`: what the module is opened for.
  ModuleInputs(const torch::jit::Module& module, Input input);

  Kind kind() const { return kind_; }
  bool are_texts() const { return kind_ != Kind::kTensor; }

  // How many inputs of `batch` to run first, at least one: such that no run but one of a single
  // input has more tokens than `most`, those of padding among them. Without padding all runs have
  // about as many.
  int64_t at_once(const BatchView& batch, int64_t most) const;

  // Of a batch that is only read, and lives as long as the result.
  std::vector<c10::IValue> of(const BatchView& batch) const;

 private:
  int64_t evenly_at_once(const BatchView& batch, int64_t most) const;
  int64_t tokens_of(const BatchView& batch, int64_t i) const;

  Input input_;
  Kind kind_;
  int64_t tokens_;  // of one, unless it is a text
};

}  // namespace llm2clip
