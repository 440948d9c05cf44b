#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "base/shape.h"
#include "batch/input.h"
#include "engine/cpu/steps.h"
#include "engine/engine.h"
#include "kernels/cpu/panels.h"

namespace llm2clip::cpu {

// What a value has a row for.
enum class Rows { kInput, kPatch, kToken };

// kF32 is always f32. kCompute is the type that this processor computes in, f32 or bf16.
enum class Numbers { kF32, kCompute };

// A matrix that steps write and read, with `width` numbers in a row.
struct PlanValue {
  Rows rows;
  int64_t width;
  Numbers numbers;
};

// A tensor of the data file.
struct PlanTensor {
  std::string name;  // of the (first) weight in the checkpoint, or of what was made from it
  WeightType type;
  // The weight [out, in] of a linear layer lies in panels, see kernels/cpu/panels.h. Other tensors
  // are in row-major order.
  bool in_panels;
  Shape shape;
  uint64_t offset = 0;  // of its first byte in the file's data

  int64_t bytes() const;  // in the file
};

struct Program {
  std::vector<Step> steps;
  ValueId output;
};

// A network as steps over numbered values and tensors. Value 0 is the input, unless that is text.
struct Plan {
  Input input{};
  Precision precision = Precision::kFp32;
  int64_t tokens = 1;       // of an image; 1 for other inputs
  int64_t first_patch = 0;  // the number of tokens before the patches
  std::vector<PlanTensor> tensors;
  std::vector<PlanValue> values;
  Program embedding;
  std::optional<Program> patches;  // ends with all tokens in the space of the embeddings

  int64_t patches_of_image() const { return tokens - first_patch; }
  bool in_int8() const { return precision == Precision::kInt8; }
  const PlanValue& at(ValueId id) const { return values[static_cast<size_t>(id.place)]; }
  const PlanTensor& at(TensorId id) const { return tensors[static_cast<size_t>(id.place)]; }
};

// Limits that no network comes near. They bound the work of reading a plan.
constexpr size_t kMostThings = 1 << 14;  // of tensors, of values, and of a program's steps
constexpr size_t kMostDimensions = 4;    // of a tensor or an input

// The type of the weights of most linear layers in a file of this precision.
constexpr WeightType weight_type(Precision precision) {
  switch (precision) {
    case Precision::kFp32: return WeightType::kF32;
    case Precision::kFp16: return WeightType::kF16;
    case Precision::kBf16: return WeightType::kBf16;
    case Precision::kInt8: return WeightType::kInt8;
  }
  return WeightType::kF32;
}

// The type of all other weights of linear layers, and of tables.
constexpr WeightType stored_type(Precision precision) {
  return precision == Precision::kInt8 ? WeightType::kBf16 : weight_type(precision);
}

// The type of numbers that are not in int8.
constexpr Dtype dtype_of(WeightType type) {
  switch (type) {
    case WeightType::kBf16: return Dtype::kBF16;
    case WeightType::kF16: return Dtype::kF16;
    default: return Dtype::kF32;
  }
}

// The plan as text, one line for each tensor, value and step.
std::string to_text(const Plan& plan);

// Reads what to_text() wrote. The result passes check(). Throws ERR_ENGINE_INCOMPATIBLE for
// anything else.
Plan plan_of(const std::string& text);

// Throws ERR_ENGINE_INCOMPATIBLE unless a run of the plan stays within its values and tensors: all
// indexes exist, each value is written once, before it is read, and all types and sizes fit.
void check(const Plan& plan);

}  // namespace llm2clip::cpu
