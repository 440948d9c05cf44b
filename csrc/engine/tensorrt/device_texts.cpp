#include "engine/tensorrt/device_texts.h"

#include <algorithm>

#include "batch/text_rows.h"
#include "cuda/batch_sizes.h"

namespace llm2clip::tensorrt {

std::span<int64_t> DeviceTexts::Rows::numbers() const {
  return {reinterpret_cast<int64_t*>(host.data()), host.bytes() / sizeof(int64_t)};
}

DeviceTexts::DeviceTexts(int64_t max_batch, int64_t most_tokens)
    : batches_(batch_sizes(max_batch)), lengths_(text_lengths(most_tokens)) {
  const CudaStream stream;
  const auto bytes = static_cast<size_t>(max_batch * lengths_.back()) * sizeof(int64_t);
  for (Rows& rows : rows_) {
    rows = {PinnedMemory(bytes), DeviceMemory(bytes)};
    // Ones make a valid batch of texts of any size, both as ids and as masks.
    std::ranges::fill(rows.numbers(), 1);
    copy_to_device(rows.device.address(), std::as_bytes(rows.numbers()), stream);
  }
  stream.synchronize();
}

std::vector<BatchSize> DeviceTexts::to_warm_up() const {
  std::vector<BatchSize> sizes;
  for (const int64_t batch : batches_) sizes.push_back({batch, lengths_.front()});
  for (size_t i = 1; i < lengths_.size(); ++i) sizes.push_back({1, lengths_[i]});
  return sizes;
}

BatchSize DeviceTexts::give(const Texts& texts, const CudaStream& stream) {
  const BatchSize size{size_for(batches_, texts.count()), size_for(lengths_, texts.longest())};
  const auto count = static_cast<size_t>(size.batch * size.tokens);
  const auto some = [&](size_t i) { return rows_[i].numbers().first(count); };
  write_text_rows(texts, {size.batch, size.tokens, some(0), some(1), some(2)});
  for (size_t i = 0; i < rows_.size(); ++i) {
    copy_to_device(rows_[i].device.address(), std::as_bytes(some(i)), stream);
  }
  return size;
}

}  // namespace llm2clip::tensorrt
