#include <ATen/ATen.h>

#include <span>

#include "batch/packed_texts.h"
#include "batch/text_list.h"
#include "engine/torchscript/cuda/tests/twin.h"
#include "engine/torchscript/cuda/text_graph.h"
#include "engine/torchscript/cuda/text_run.h"
#include "engine/torchscript/session/module_inputs.h"

namespace llm2clip {
namespace {

at::Tensor run(torch::jit::Module& module, const Texts& texts) {
  check_ids(texts, vocabulary(module));
  const PackedTexts size = packed_size(texts);
  std::vector<int32_t> packed(static_cast<size_t>(size.numbers()));
  pack_texts(texts, packed);
  TextInputs inputs = text_inputs(at::tensor(packed), size);
  const RunningTexts running(std::move(inputs.run));
  return module.forward(std::move(inputs.arguments)).toTensor();
}

at::Tensor run(torch::jit::Module& module, const Features& features) {
  const ModuleInputs inputs(module, features_of(features.size));
  return module.forward(inputs.of(features)).toTensor();
}

template <typename Inputs>
void run_all(torch::jit::Module& module, const Inputs& inputs, int64_t count) {
  write_floats(run(module, inputs));
  for (int64_t i = 0; i < count; ++i) write_floats(run(module, inputs.some(i, 1)));
}

}  // namespace

void run_texts(torch::jit::Module& module, const std::vector<int32_t>& texts) {
  TextList list;
  for (size_t at = 0; at < texts.size();) {
    const auto tokens = static_cast<size_t>(texts.at(at));
    list.add(std::span(texts).subspan(at + 2, tokens), texts.at(at + 1));
    at += 2 + tokens;
  }
  run_all(module, list.view(), list.view().count());
}

void run_features(torch::jit::Module& module, const std::vector<float>& features, int64_t size) {
  const auto count = static_cast<int64_t>(features.size()) / size;
  run_all(module, Features{features.data(), count, size}, count);
}

}  // namespace llm2clip
