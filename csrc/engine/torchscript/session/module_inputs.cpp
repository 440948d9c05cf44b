#include "engine/torchscript/session/module_inputs.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "engine/text_rows.h"
#include "engine/torchscript/module_names.h"

namespace llm2clip {

using at::Tensor;

ModuleInputs::ModuleInputs(const torch::jit::Module& module, Shape one)
    : kind_(kind_of(module)), one_(std::move(one)), size_(element_count(one_)), tokens_(1) {
  // Files made elsewhere may mean anything by that name.
  if (module.hasattr(kLinearWeights)) tokens_ = std::max<int64_t>(1, module.attr(kTokens).toInt());
}

ModuleInputs::Kind ModuleInputs::kind_of(const torch::jit::Module& module) {
  for (const c10::Argument& argument :
       module.get_method("forward").function().getSchema().arguments()) {
    if (argument.name() == "offsets") return Kind::kTexts;
    if (argument.name() == "attention_mask") return Kind::kPaddedTexts;
  }
  return Kind::kTensor;
}

int64_t ModuleInputs::tokens_of(const float* input) const {
  return are_texts() ? read_text(input).tokens : tokens_;
}

int64_t ModuleInputs::at_once(const float* inputs, int64_t count, int64_t most) const {
  return kind_ == Kind::kPaddedTexts ? rows_at_once(inputs, count, most)
                                     : evenly_at_once(inputs, count, most);
}

int64_t ModuleInputs::evenly_at_once(const float* inputs, int64_t count, int64_t most) const {
  int64_t left = 0;
  for (int64_t i = 0; i < count; ++i) left += tokens_of(inputs + i * size_);
  const int64_t runs = (left - 1) / most + 1, enough = (left - 1) / runs + 1;
  int64_t fitting = 0;
  for (int64_t tokens = 0; fitting < count && tokens < enough; ++fitting) {
    tokens += tokens_of(inputs + fitting * size_);
    if (tokens > most) break;
  }
  return std::max<int64_t>(1, fitting);
}

int64_t ModuleInputs::rows_at_once(const float* inputs, int64_t count, int64_t most) const {
  int64_t fitting = 0, longest = 0;
  for (; fitting < count; ++fitting) {
    longest = std::max(longest, tokens_of(inputs + fitting * size_));
    if (longest * (fitting + 1) > most) break;
  }
  return std::max<int64_t>(1, fitting);
}

std::vector<c10::IValue> ModuleInputs::of(const float* inputs, int64_t count) const {
  if (kind_ == Kind::kTexts) return texts(inputs, count);
  if (kind_ == Kind::kPaddedTexts) return padded_texts(inputs, count);
  // Only read: from_blob takes no const.
  return {at::from_blob(const_cast<float*>(inputs), batch_of(count, one_), at::kFloat)};  // NOLINT
}

// input_ids [N], offsets [B + 1], pooled [B]
std::vector<c10::IValue> ModuleInputs::texts(const float* inputs, int64_t count) const {
  std::vector<int64_t> ids, offsets{0}, pooled;
  for (int64_t i = 0; i < count; ++i) {
    const TextSlot text = read_text(inputs + i * size_);
    for (int64_t token = 0; token < text.tokens; ++token) {
      ids.push_back(static_cast<int64_t>(text.ids[token]));
    }
    offsets.push_back(static_cast<int64_t>(ids.size()));
    pooled.push_back(text.pooled);
  }
  return {at::tensor(ids), at::tensor(offsets), at::tensor(pooled)};
}

// input_ids, attention_mask and pool_mask [B, longest]
std::vector<c10::IValue> ModuleInputs::padded_texts(const float* inputs, int64_t count) const {
  const TextSlots texts{inputs, count, size_};
  const int64_t tokens = texts.longest();
  const auto room = [&] { return at::empty({count, tokens}, at::kLong); };
  const Tensor ids = room(), attention_mask = room(), pool_mask = room();
  const auto numbers = [](const Tensor& tensor) {
    return std::span(tensor.mutable_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel()));
  };
  write_text_rows(texts,
                  {count, tokens, numbers(ids), numbers(attention_mask), numbers(pool_mask)});
  return {ids, attention_mask, pool_mask};
}

}  // namespace llm2clip
