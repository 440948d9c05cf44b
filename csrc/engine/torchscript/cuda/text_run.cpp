#include "engine/torchscript/cuda/text_run.h"

#include <ATen/ATen.h>

#include <optional>
#include <utility>

namespace llm2clip {
namespace {

thread_local std::optional<TextRun> running;

}  // namespace

TextInputs text_inputs(const at::Tensor& packed, const PackedTexts& size) {
  int64_t begin = 0;
  const auto next = [&](int64_t count) {
    const int64_t first = std::exchange(begin, begin + count);
    return packed.narrow(0, first, count);
  };
  const at::Tensor ids = next(size.tokens), places = next(size.tokens),
                   offsets = next(size.texts + 1), pooled = next(size.texts);
  return {{ids, offsets, pooled}, {places, size.longest}};
}

RunningTexts::RunningTexts(TextRun run) { running = std::move(run); }

RunningTexts::~RunningTexts() { running.reset(); }

const TextRun& RunningTexts::current() {
  TORCH_CHECK(running, "expected texts to be running on this thread, found none");
  return *running;
}

}  // namespace llm2clip
