#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "batch/batch_view.h"
#include "engine/cpu/data_file.h"
#include "engine/cpu/memory_plan.h"
#include "ops/linear.h"
#include "ops/workers.h"

namespace llm2clip::cpu {

// Runs the programs of an engine file, step by step.
class Runner {
 public:
  // Both must outlive it.
  Runner(const DataFile& file, Workers& workers);

  Element compute() const { return compute_; }

  // Runs the embedding's program → [batch, E], valid until the next run.
  ConstMatrix embed(const BatchView& batch);
  // Runs the program of patches up to this layer, or to its end → [batch · tokens, D], valid until
  // the next run. Throws ERR_ENGINE_INCOMPATIBLE if there is no such layer.
  ConstMatrix patches(const Images& images, std::optional<int64_t> layer);

  // Is called with the input of each linear layer of an observing engine, counted from 0 in the
  // order of the run. It may change the input.
  using Observer = std::function<void(size_t linear, Matrix x)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }
  // Is called around each step of a run.
  struct StepObserver {
    virtual ~StepObserver() = default;
    virtual void begin() = 0;
    virtual void end(const Step& step, ConstMatrix x) = 0;
  };
  void set_step_observer(StepObserver* observer) { step_observer_ = observer; }
  // Replaces the panels of a linear layer's weight from now on; nullptr: those of the file.
  void replace_weight(TensorId weight, const std::byte* panels) {
    replaced_ = weight;
    replacement_ = panels;
  }

 private:
  struct Planned {
    RowCounts counts{-1, -1, -1};
    MemoryPlan memory;
    size_t bytes = 0;  // all together
  };

  void begin(const Program& program, Planned& planned, const BatchView& batch);
  void execute(const Step& step);
  Matrix at(ValueId id);
  const float* f32(TensorId id) const;
  const float* f32(const OptionalTensor& id) const { return id ? f32(*id) : nullptr; }
  const void* typed(TensorId id) const;
  LinearWeight weight_of(const LinearStep& step) const;
  size_t room_of(const Program& program, const RowCounts& counts) const;

  void run(const PatchesStep& s);
  void run(const PatchTokensStep& s);
  void run(const LinearStep& s);
  void run(const LayerNormStep& s);
  void run(const AddLayerNormStep& s);
  void run(const RmsNormStep& s);
  void run(const AddRmsNormStep& s);
  void run(const GatedNormStep& s);
  void run(const GateStep& s);
  void run(const ActivationStep<Activation::kQuickGelu>& s);
  void run(const ActivationStep<Activation::kGelu>& s);
  void run(const ActivationStep<Activation::kGeluTanh>& s);
  void run(const AttentionStep& s);
  void run(const TextAttentionStep& s);
  void run(const PoolAttentionStep& s);
  void run(const SecondHalfStep& s);
  void run(const AddStep& s);
  void run(const SelectTokenStep& s);
  void run(const EmbedStep& s);
  void run(const TextMeanStep& s);
  void run(const L2NormalizeStep& s);
  void run(const ObserveStep& s);
  void run(const HiddenStateStep&) {}

  const DataFile& file_;
  const Plan& plan_;
  Workers& workers_;
  Element compute_;
  // The weights of norms in bf16, where that is computed in; by tensor.
  std::vector<std::vector<uint16_t>> in_bf16_;
  Scratch memory_;  // of values and steps
  Planned embedding_, patches_;

  // Of the current run:
  const BatchView* batch_ = nullptr;
  const Planned* planned_ = nullptr;
  std::byte* values_ = nullptr;
  size_t observed_ = 0;

  Observer observer_;
  StepObserver* step_observer_ = nullptr;
  TensorId replaced_;
  const std::byte* replacement_ = nullptr;
};

}  // namespace llm2clip::cpu
