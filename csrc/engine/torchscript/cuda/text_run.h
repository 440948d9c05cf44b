#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <vector>

#include "batch/packed_texts.h"

namespace llm2clip {

// Values that all attentions of one run of texts share, and that a module's forward() does not pass
// on. They are computed once per run, not once per layer.
struct TextRun {
  at::Tensor places;  // position ids, [N] int32
  int64_t longest;    // tokens of the longest text; known to the host
};

// The arguments of a native language model's forward(), as views of pack_texts()'s output on the
// host or on a device: `packed` int32 [at least size.numbers()].
struct TextInputs {
  std::vector<c10::IValue> arguments;  // ids [N], offsets [B + 1], pooled [B], int32
  TextRun run;
};
TextInputs text_inputs(const at::Tensor& packed, const PackedTexts& size);

// During its lifetime, operators that are called on this thread run these texts.
class RunningTexts {
 public:
  explicit RunningTexts(TextRun run);
  ~RunningTexts();
  RunningTexts(const RunningTexts&) = delete;
  RunningTexts& operator=(const RunningTexts&) = delete;

  // The texts of the calling thread. Throws c10::Error when there are none.
  static const TextRun& current();
};

}  // namespace llm2clip
