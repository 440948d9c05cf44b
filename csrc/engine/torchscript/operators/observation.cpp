#include "engine/torchscript/operators/observation.h"

#include <algorithm>

#include "engine/torchscript/operators/quantised_weight.h"

namespace llm2clip {
namespace {

int64_t calls(const at::Tensor& observation) { return observation[1][0].item<int64_t>(); }

at::Tensor in_int8(const at::Tensor& x, const at::Tensor& smoothing) {
  const at::Tensor rows = x.flatten(0, -2).to(at::kFloat);
  return rounded_by_row(rows / smoothing).mul_(smoothing).view(x.sizes());
}

}  // namespace

at::Tensor observe(const at::Tensor& x, at::Tensor observation) {
  if (observation.dim() == 1) return in_int8(x, observation);
  const at::Tensor rows = x.flatten(0, -2).to(at::kFloat);
  at::Tensor maxima = channel_maxima(observation);
  at::maximum_out(maxima, maxima, rows.abs().amax(0));
  const int64_t call = calls(observation), count = std::min(rows.size(0), kSamplesPerCall);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t slot = 2 + (call * kSamplesPerCall + i) % kSamples;
    // Rows are spread over the image, with an offset per call, so that the class token is sampled
    // once in eight calls.
    const int64_t row = (i * rows.size(0) / count + call) % rows.size(0);
    observation.select(0, slot).copy_(rows.select(0, row));
  }
  observation[1][0].fill_(call + 1);
  return x;
}

at::Tensor samples(const at::Tensor& observation) {
  const at::Tensor rows = observation.narrow(0, 2, kSamples);
  // Samples that no call has filled are zeros.
  return rows.index_select(0, rows.abs().amax(1).nonzero().squeeze(1));
}

}  // namespace llm2clip
