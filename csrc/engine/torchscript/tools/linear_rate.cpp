#include "engine/torchscript/tools/torchscript_tools.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <functional>

#include "base/error.h"
#include "base/threads.h"
#include "engine/torchscript/compute_type.h"
#include "engine/torchscript/int8_weight.h"
#include "engine/torchscript/operators/int8_linear_operator.h"
#include "engine/torchscript/operators/linear_operator.h"
#include "engine/torchscript/torch_error.h"

namespace llm2clip {
namespace {

// Returns a function that runs the layer once. Everything that it needs is prepared before.
std::function<void()> layer(const LinearSpec& spec) {
  const auto type = compute_type(stored_type(spec.precision));
  const at::Tensor x = at::randn({spec.rows, spec.in}).to(type);
  const at::Tensor full = at::randn({spec.out, spec.in});
  if (spec.precision == Precision::kInt8) {
    const auto [values, scales] = int8_weight_of(full);
    const at::Tensor weight = operators::prepack_int8_weight(values, scales);
    return [=, scales = scales] {
      operators::int8_linear(x, weight, scales, std::nullopt, std::nullopt, spec.out);
    };
  }
  const at::Tensor weight =
      operators::prepack_linear_weight(full.to(stored_type(spec.precision)), type);
  return [=] { operators::linear(x, weight, std::nullopt, spec.out); };
}

}  // namespace

double torchscript_linear_gflops(const LinearSpec& spec) {
  // Runs on a thread of its own, because the number of threads stays set for the calling thread.
  return on_own_thread([&] {
    return translating_torch_errors(ErrorCode::kInternal, "cannot time a linear layer", [&] {
      at::set_num_threads(spec.threads);
      const c10::InferenceMode guard;
      return fastest_gflops(spec, layer(spec));
    });
  });
}

}  // namespace llm2clip
