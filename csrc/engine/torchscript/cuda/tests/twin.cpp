// Runs a native engine file like a session on a GPU, with the kernels' twins on the host.
//   twin PLUGIN MODEL images|texts|features INPUTS SIZE [LAYER…]
// PLUGIN is llm2clip_torchscript.so, which defines the operators. INPUTS is a file of f32, or of
// int32 for texts. twin.h describes the output.
#include "engine/torchscript/cuda/tests/twin.h"

#include <c10/core/InferenceMode.h>
#include <dlfcn.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "engine/torchscript/cuda/graph_rewrites.h"

namespace llm2clip {
namespace {

template <typename T>
std::vector<T> read_numbers(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<T> numbers(bytes.size() / sizeof(T));
  std::memcpy(numbers.data(), bytes.data(), numbers.size() * sizeof(T));
  return numbers;
}

torch::jit::Module load(const char* plugin, const char* model) {
  if (::dlopen(plugin, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == nullptr) {
    throw std::runtime_error(::dlerror());
  }
  torch::jit::Module module = torch::jit::load(model, at::kCPU);
  module.eval();
  move_and_pad_weights(module, at::kCPU);
  return module;
}

void run(const std::vector<const char*>& arguments) {
  const c10::InferenceMode guard;
  const torch::jit::GraphOptimizerEnabledGuard as_written(false);
  torch::jit::Module module = load(arguments[0], arguments[1]);
  const std::string kind = arguments[2];
  if (kind == "texts") return run_texts(module, read_numbers<int32_t>(arguments[3]));
  const auto inputs = read_numbers<float>(arguments[3]);
  const int64_t size = std::atoll(arguments[4]);
  if (kind == "features") return run_features(module, inputs, size);
  std::vector<int64_t> layers;
  for (size_t i = 5; i < arguments.size(); ++i) layers.push_back(std::atoll(arguments[i]));
  run_images(module, inputs, size, layers);
}

}  // namespace

void write_floats(const at::Tensor& tensor) {
  const at::Tensor floats = tensor.to(at::kFloat).contiguous();
  std::fwrite(floats.const_data_ptr(), sizeof(float), static_cast<size_t>(floats.numel()), stdout);
}

}  // namespace llm2clip

int main(int count, char** arguments) {
  if (count < 6) return 2;
  try {
    llm2clip::run({arguments + 1, arguments + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
