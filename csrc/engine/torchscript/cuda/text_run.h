#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "batch/packed_texts.h"

namespace llm2clip {

// What all attentions of one run of texts share, and a module's forward() does not pass on: made
// once a run, not once a layer.
struct TextRun {
  at::Tensor places;  // [N] int32: each token's in its text
  int64_t longest;    // tokens; known to the host
};

// What a native language model's forward() takes, as views of what pack_texts() wrote, on the host
// or on a device: `packed` int32 [at least size.numbers()].
struct TextInputs {
  std::vector<c10::IValue> arguments;  // ids [N], offsets [B + 1], pooled [B], int32
  TextRun run;
};
TextInputs text_inputs(const at::Tensor& packed, const PackedTexts& size);

// While it lives, operators called on this thread run these texts.
class RunningTexts {
 public:
  explicit RunningTexts(TextRun run);
  ~RunningTexts();
  RunningTexts(const RunningTexts&) = delete;
  RunningTexts& operator=(const RunningTexts&) = delete;

  // Those of the calling thread. Throws c10::Error where there are none.
  static const TextRun& current();
};

}  // namespace llm2clip
