#include "engine/pipeline.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/float_convert.h"

namespace llm2clip {
namespace {

// Patches exist only for images, features only for texts.
void require_output(const BatchView& batch, OutputKind output) {
  const bool is_offered =
      output == OutputKind::kEmbedding ||
      (output == OutputKind::kPatches && std::holds_alternative<Images>(batch)) ||
      (output == OutputKind::kFeature && std::holds_alternative<Texts>(batch));
  if (!is_offered) throw not_offered("this output for such inputs");
}

template <typename Part>
const Part& require(const std::optional<Part>& part, const std::string& name) {
  if (part) return *part;
  throw Error(ErrorCode::kEngineIncompatible,
              "expected a session with " + name + ", found one without");
}

Embeddings owned(std::vector<float> numbers, int64_t batch, int64_t dim) {
  const auto owner = std::make_shared<const std::vector<float>>(std::move(numbers));
  return {owner->data(), batch, dim, owner};
}

// The reference rounds a feature like this, whatever the precision of the language model.
Embeddings rounded_to_bf16(const Embeddings& features) {
  std::vector<float> rounded(static_cast<size_t>(features.batch * features.dim));
  round_to_bf16(features.data, rounded.data(), rounded.size());
  return owned(std::move(rounded), features.batch, features.dim);
}

std::optional<SessionInfo> info_of(const auto& part) {
  if (!part) return std::nullopt;
  return part->session().info();
}

}  // namespace

Pipeline::Part::Part(Engine& engine, const PartOptions& options)
    : session_(engine.open(options.session)),
      max_batch_(options.session.max_batch),
      dim_(options.dim) {}

Embeddings Pipeline::Part::run_once(const BatchView& batch) const {
  Embeddings out = session_->run(batch);
  if (out.dim == dim_) return out;
  throw Error(ErrorCode::kEngineIncompatible, "expected embeddings of " + std::to_string(dim_) +
                                                  " numbers, found " + std::to_string(out.dim));
}

Embeddings Pipeline::Part::run(const BatchView& batch) const {
  const int64_t count = count_of(batch);
  if (count <= max_batch_) return run_once(batch);
  std::vector<float> all;
  all.reserve(static_cast<size_t>(count * dim_));
  for (int64_t first = 0; first < count; first += max_batch_) {
    const Embeddings some = run_once(some_of(batch, first, std::min(max_batch_, count - first)));
    all.insert(all.end(), some.data, some.data + some.batch * some.dim);
  }
  return owned(std::move(all), count, dim_);
}

Pipeline::Pipeline(Engine& engine, const PipelineOptions& options) {
  if (options.vision && (options.llm || options.adapter)) {
    throw Error(ErrorCode::kInternal, "expected a vision tower or a text side, found both");
  }
  if (options.vision) vision_.emplace(engine, *options.vision);
  if (options.adapter) adapter_.emplace(engine, *options.adapter);
  if (options.llm) llm_.emplace(engine, *options.llm);
}

PipelineInfo Pipeline::info() const { return {info_of(vision_), info_of(llm_), info_of(adapter_)}; }

std::unique_ptr<BatchMemory> Pipeline::batch_memory(size_t floats) {
  const auto& reader = vision_ ? vision_ : adapter_;
  return reader ? reader->session().batch_memory(floats) : BatchRunner::batch_memory(floats);
}

Embeddings Pipeline::run(const BatchView& batch, const Output& output) {
  require_output(batch, output.kind);
  if (const auto* images = std::get_if<Images>(&batch)) return run_images(*images, output);
  if (const auto* texts = std::get_if<Texts>(&batch)) return run_texts(*texts, output);
  return require(adapter_, "a text adapter").run(batch);
}

Embeddings Pipeline::run_images(const Images& images, const Output& output) const {
  const Part& vision = require(vision_, "a vision tower");
  if (output.kind != OutputKind::kPatches) return vision.run(images);
  return vision.session().run_patches(images, output.layer);
}

Embeddings Pipeline::run_texts(const Texts& texts, const Output& output) const {
  const Part& llm = require(llm_, "a language model");
  if (output.kind == OutputKind::kFeature) return rounded_to_bf16(llm.run(texts));
  const Part& adapter = require(adapter_, "a text adapter");
  const Embeddings feature = rounded_to_bf16(llm.run(texts));
  return adapter.run(Features{feature.data, feature.batch, feature.dim});
}

}  // namespace llm2clip
