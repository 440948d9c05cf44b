// Runs a native engine file of the text side as a session on a GPU would, over the kernels' twins
// on the host: twin_texts PLUGIN MODEL INPUTS SIZE writes what it gives, [B, D] f32, for the inputs
// of SIZE floats each that INPUTS holds, as csrc/engine/text_slot.h has them or features, to
// standard output. PLUGIN is llm2clip_torchscript.so, which names the operators.
#include <ATen/ATen.h>
#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "engine/packed_texts.h"
#include "engine/torchscript/cuda/padded_weights.h"
#include "engine/torchscript/cuda/text_graph.h"
#include "engine/torchscript/cuda/text_run.h"
#include "engine/torchscript/module_inputs.h"

namespace {

using namespace llm2clip;

std::vector<float> read_floats(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), floats.size() * sizeof(float));
  return floats;
}

at::Tensor run_texts(torch::jit::Module& module, const TextSlots& texts) {
  check_ids(texts, vocabulary(module));
  const PackedTexts size = packed_size(texts);
  std::vector<int32_t> packed(static_cast<size_t>(size.numbers()));
  pack_texts(texts, packed);
  TextInputs inputs = text_inputs(at::tensor(packed), size);
  const RunningTexts running(std::move(inputs.run));
  return module.forward(std::move(inputs.arguments)).toTensor();
}

void run(torch::jit::Module& module, const TextSlots& inputs) {
  const ModuleInputs kinds(module, {inputs.size});
  const at::Tensor found = kinds.kind() == ModuleInputs::Kind::kTexts
                               ? run_texts(module, inputs)
                               : module.forward(kinds.of(inputs.first, inputs.count)).toTensor();
  const at::Tensor out = found.to(at::kFloat).contiguous();
  std::fwrite(out.const_data_ptr(), sizeof(float), static_cast<size_t>(out.numel()), stdout);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  if (::dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == nullptr) {
    std::fprintf(stderr, "%s\n", ::dlerror());
    return 1;
  }
  const c10::InferenceMode guard;
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  torch::jit::Module module = torch::jit::load(arguments[2], at::kCPU);
  module.eval();
  const std::vector<float> inputs = read_floats(arguments[3]);
  const int64_t size = std::atoll(arguments[4]);
  move_and_pad_weights(module, at::kCPU);
  try {
    const auto all = static_cast<int64_t>(inputs.size()) / size;
    run(module, {inputs.data(), all, size});
    for (int64_t i = 0; i < all; ++i) run(module, {inputs.data() + i * size, 1, size});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
