#include "engine/torchscript/session/module_inputs.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "batch/text_rows.h"
#include "batch/token_split.h"
#include "engine/torchscript/module_names.h"

namespace llm2clip {
namespace {

using at::Tensor;

ModuleInputs::Kind kind_of(const torch::jit::Module& module, InputKind input) {
  if (input != InputKind::kText) return ModuleInputs::Kind::kTensor;
  return module.hasattr(kLinearWeights) ? ModuleInputs::Kind::kTexts
                                        : ModuleInputs::Kind::kPaddedTexts;
}

// from_blob() takes no const pointer, but the tensor is only read.
Tensor tensor_of(const float* numbers, int64_t count, const Shape& one) {
  return at::from_blob(const_cast<float*>(numbers), batch_of(count, one), at::kFloat);  // NOLINT
}

Tensor tensor_of(std::span<const int32_t> numbers) {
  const Tensor tensor = at::empty({static_cast<int64_t>(numbers.size())}, at::kLong);
  std::ranges::copy(numbers, tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

// input_ids [N], offsets [B + 1], pooled [B]
std::vector<c10::IValue> in_a_row(const Texts& texts) {
  const Tensor offsets = tensor_of(texts.offsets);
  return {tensor_of(texts.tokens()), offsets - offsets[0], tensor_of(texts.pooled)};
}

// input_ids, attention_mask and pool_mask [B, longest]
std::vector<c10::IValue> padded(const Texts& texts) {
  const int64_t count = texts.count(), tokens = texts.longest();
  const auto room = [&] { return at::empty({count, tokens}, at::kLong); };
  const Tensor ids = room(), attention_mask = room(), pool_mask = room();
  const auto numbers = [](const Tensor& tensor) {
    return std::span(tensor.mutable_data_ptr<int64_t>(), static_cast<size_t>(tensor.numel()));
  };
  write_text_rows(texts,
                  {count, tokens, numbers(ids), numbers(attention_mask), numbers(pool_mask)});
  return {ids, attention_mask, pool_mask};
}

int64_t rows_at_once(const Texts& texts, int64_t most) {
  int64_t fitting = 0, longest = 0;
  for (; fitting < texts.count(); ++fitting) {
    longest = std::max(longest, texts.tokens_of(fitting));
    if (longest * (fitting + 1) > most) break;
  }
  return std::max<int64_t>(1, fitting);
}

}  // namespace

ModuleInputs::ModuleInputs(const torch::jit::Module& module, Input input)
    : input_(std::move(input)), kind_(kind_of(module, input_.kind)), tokens_(1) {
  // kTokens is read only from this project's files: in others, that name may mean anything.
  if (module.hasattr(kLinearWeights)) tokens_ = std::max<int64_t>(1, module.attr(kTokens).toInt());
}

int64_t ModuleInputs::at_once(const BatchView& batch, int64_t most) const {
  return kind_ == Kind::kPaddedTexts ? rows_at_once(std::get<Texts>(batch), most)
                                     : evenly_at_once(batch, tokens_, most);
}

std::vector<c10::IValue> ModuleInputs::of(const BatchView& batch) const {
  if (const auto* images = std::get_if<Images>(&batch)) {
    return {tensor_of(images->pixels, images->count, input_.shape)};
  }
  if (const auto* features = std::get_if<Features>(&batch)) {
    return {tensor_of(features->numbers, features->count, input_.shape)};
  }
  const auto& texts = std::get<Texts>(batch);
  return kind_ == Kind::kPaddedTexts ? padded(texts) : in_a_row(texts);
}

}  // namespace llm2clip
