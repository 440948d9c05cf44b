#include <ATen/ATen.h>

#include "engine/packed_texts.h"
#include "engine/torchscript/cuda/tests/twin.h"
#include "engine/torchscript/cuda/text_graph.h"
#include "engine/torchscript/cuda/text_run.h"
#include "engine/torchscript/session/module_inputs.h"

namespace llm2clip {
namespace {

at::Tensor run_ids(torch::jit::Module& module, const TextSlots& texts) {
  check_ids(texts, vocabulary(module));
  const PackedTexts size = packed_size(texts);
  std::vector<int32_t> packed(static_cast<size_t>(size.numbers()));
  pack_texts(texts, packed);
  TextInputs inputs = text_inputs(at::tensor(packed), size);
  const RunningTexts running(std::move(inputs.run));
  return module.forward(std::move(inputs.arguments)).toTensor();
}

void run_batch(torch::jit::Module& module, const TextSlots& inputs) {
  const ModuleInputs kinds(module, {inputs.size});
  write_floats(kinds.kind() == ModuleInputs::Kind::kTexts
                   ? run_ids(module, inputs)
                   : module.forward(kinds.of(inputs.first, inputs.count)).toTensor());
}

}  // namespace

void run_texts(torch::jit::Module& module, const std::vector<float>& inputs, int64_t size) {
  const auto all = static_cast<int64_t>(inputs.size()) / size;
  run_batch(module, {inputs.data(), all, size});
  for (int64_t i = 0; i < all; ++i) run_batch(module, {inputs.data() + i * size, 1, size});
}

}  // namespace llm2clip
