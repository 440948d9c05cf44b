#include "batch/batch_view.h"

#include <algorithm>

namespace llm2clip {
namespace {

int64_t count(const Images& images) { return images.count; }
int64_t count(const Features& features) { return features.count; }
int64_t count(const Texts& texts) { return texts.count(); }

}  // namespace

int64_t Texts::longest() const {
  int64_t most = 0;
  for (int64_t i = 0; i < count(); ++i) most = std::max(most, tokens_of(i));
  return most;
}

int64_t count_of(const BatchView& batch) {
  return std::visit([](const auto& inputs) { return count(inputs); }, batch);
}

BatchView some_of(const BatchView& batch, int64_t first, int64_t wanted) {
  return std::visit([&](const auto& inputs) -> BatchView { return inputs.some(first, wanted); },
                    batch);
}

}  // namespace llm2clip
