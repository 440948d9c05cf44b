#include "engine/torchscript/tools/inspection.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/threads.h"
#include "engine/torchscript/session/loaded_module.h"
#include "engine/torchscript/session/torchscript_session.h"
#include "engine/torchscript/tools/operator_inputs.h"

namespace llm2clip {
namespace {

// From fine to coarse.
constexpr std::array<std::string_view, 4> kPrecisions{"fp32", "fp16", "bf16", "int8"};

// Recognises operators that multiply matrices by their names: aten::linear, aten::addmm,
// aten::conv2d, aten::scaled_dot_product_attention, quantized::linear_dynamic and so on.
bool multiplies_matrices(std::string_view name) {
  constexpr std::array<std::string_view, 5> kParts{"linear", "mm", "matmul", "conv", "attention"};
  return std::ranges::any_of(kParts, [name](auto part) { return name.find(part) != name.npos; });
}

// Index in kPrecisions of the coarsest product so far; negative before the first one. Operators
// that are called by other operators count as well: under autocast they have the coarser inputs.
thread_local int coarsest = -1;

void note(int place) { coarsest = std::max(coarsest, place); }

void note(const at::Tensor& tensor) {
  if (!tensor.defined()) return;
  if (at::isQIntType(tensor.scalar_type())) return note(3);
  if (!at::isFloatingType(tensor.scalar_type())) return;
  const std::string name = precision_name(tensor.scalar_type());
  note(static_cast<int>(std::ranges::find(kPrecisions, name) - kPrecisions.begin()));
}

std::unique_ptr<at::ObserverContext> on_operator(const at::RecordFunction& function) {
  const std::string_view name = function.name();
  if (!multiplies_matrices(name)) return nullptr;
  // Their weights are packed, so no argument shows the type.
  if (name.starts_with("quantized::")) note(3);
  for (const c10::IValue& input : operator_inputs(function)) {
    if (input.isTensor()) note(input.toTensor());
  }
  return nullptr;
}

Inspection inspect(const SessionOptions& options) {
  const auto session = open_torchscript_session(options);
  const int64_t size = options.input.numbers();
  const std::vector<float> blank(static_cast<size_t>(size));
  const auto handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_operator)
                                                     .needsInputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  const int64_t dim = session->run(Images{blank.data(), 1, size}).dim;
  at::removeCallback(handle);
  // A file with this project's own operators states its precision itself.
  if (const std::string& said = session->info().precision; !said.empty()) return {dim, said};
  return {dim, coarsest < 0 ? "" : std::string(kPrecisions.at(static_cast<size_t>(coarsest)))};
}

}  // namespace

Inspection torchscript_inspect(const SessionOptions& options) {
  // Runs on a thread of its own, because the number of threads and the recorded precision stay set
  // for the calling thread.
  return on_own_thread([&] { return inspect(options); });
}

}  // namespace llm2clip
