#include "engine/cpu/cpu_session.h"

#include <new>
#include <vector>

#include "base/error.h"
#include "batch/token_split.h"
#include "engine/cpu/open_file.h"
#include "ops/attention.h"
#include "ops/rows.h"

namespace llm2clip::cpu {
namespace {

const char* name(Element element) { return element == Element::kBf16 ? "bf16" : "fp32"; }

SessionInfo info_of(const Plan& plan, Element compute) {
  const WeightType stored = stored_type(plan.precision);
  SessionInfo info{.device = "cpu", .precision = name(compute), .kernels = {}};
  if (runs_in_bf16(stored)) info.precision = "bf16";
  if (runs_in_int16(stored)) info.precision = "int16";
  if (plan.in_int8()) {
    if (runs_in_int8()) info.precision = "int8";
    info.kernels.push_back("linear in int8: " + linear_kernel(WeightType::kInt8));
  }
  info.kernels.push_back("linear: " + linear_kernel(stored));
  info.kernels.push_back("attention: " + attention_kernel(compute, stored != WeightType::kF32));
  info.kernels.emplace_back("norms: own");
  info.gives_patches = plan.patches.has_value();
  return info;
}

// Appends rows in f32.
void append(Workers& workers, ConstMatrix rows, std::vector<float>& all) {
  const size_t begin = all.size();
  all.resize(begin + static_cast<size_t>(rows.rows * rows.width));
  convert(workers, rows, {all.data() + begin, Element::kF32, rows.rows, rows.width});
}

class CpuSession final : public Session {
 public:
  explicit CpuSession(const SessionOptions& options)
      : open_(options),
        info_(info_of(open_.file.plan(), open_.runner.compute())),
        tokens_at_once_(kTokensPerThread * open_.team.count()) {}

  const SessionInfo& info() const override { return info_; }

  Embeddings run(const BatchView& batch) override {
    return run_parts(batch, [this](const BatchView& part, std::vector<float>& all) {
      append(open_.team, open_.runner.embed(part), all);
    });
  }

  Embeddings run_patches(const Images& images, std::optional<int64_t> layer) override {
    if (!info_.gives_patches) return Session::run_patches(images, layer);
    return run_parts(images, [&](const BatchView& part, std::vector<float>& all) {
      append_patches(open_.runner.patches(std::get<Images>(part), layer), all);
    });
  }

 private:
  // run_part(part, all) appends the results of a part of the batch.
  template <typename RunPart>
  Embeddings run_parts(const BatchView& batch, const RunPart& run_part) {
    const int64_t count = count_of(batch), tokens = open_.file.plan().tokens;
    auto all = std::make_shared<std::vector<float>>();
    open_.file.require_intact();
    try {
      for (int64_t first = 0, some = 0; first < count; first += some) {
        some = evenly_at_once(some_of(batch, first, count - first), tokens, tokens_at_once_);
        run_part(some_of(batch, first, some), *all);
      }
    } catch (const std::bad_alloc&) {
      throw Error(ErrorCode::kOutOfMemory,
                  "expected memory for a batch of " + std::to_string(count) + ", found none left");
    }
    open_.file.require_intact();
    return {all->data(), count, static_cast<int64_t>(all->size()) / count, all};
  }

  // tokens: [batch · N, D], of which the first ones of each image are no patches.
  void append_patches(ConstMatrix tokens, std::vector<float>& all) {
    const Plan& plan = open_.file.plan();
    const auto row = static_cast<size_t>(tokens.width) * size_of(tokens.element);
    for (int64_t begin = 0; begin < tokens.rows; begin += plan.tokens) {
      const auto* const data = static_cast<const std::byte*>(tokens.data);
      append(open_.team,
             {data + static_cast<size_t>(begin + plan.first_patch) * row, tokens.element,
              plan.patches_of_image(), tokens.width},
             all);
    }
  }

  OpenFile open_;
  SessionInfo info_;
  int64_t tokens_at_once_;
};

}  // namespace

std::unique_ptr<Session> open_cpu_session(const SessionOptions& options) {
  return std::make_unique<CpuSession>(options);
}

}  // namespace llm2clip::cpu
