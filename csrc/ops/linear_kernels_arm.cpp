#include "base/cpu_features.h"
#include "kernels/cpu/linear_arm.h"
#include "ops/linear_tasks.h"

namespace llm2clip {
namespace {

void neon(const LinearTask& t) { multiply<float>(t, linear_neon); }
void neon_bf16(const LinearTask& t) {
  linear_neon_bf16(static_cast<const uint16_t*>(t.x), reinterpret_cast<const uint16_t*>(t.panel),
                   t.weight.bias, t.out.as<float>(), t.a, t.block);
}
void int8_dotprod(const LinearTask& t) {
  multiply_int8<int8_t, int8_t>(t, [](auto... all) { linear_int8_neon_dotprod(all...); });
}
void int8_i8mm(const LinearTask& t) {
  multiply_int8<int8_t, int8_t>(t, [](auto... all) { linear_int8_neon_i8mm(all...); });
}

constexpr LinearKernel kF32{"own, NEON", PanelForm::kF32Strips, LinearInput::kAsItIs, neon};
constexpr LinearKernel kBf16{"own, NEON BF16", PanelForm::kBf16Fours, LinearInput::kBf16,
                             neon_bf16};

const LinearKernel& int8_kernel() {
  static constexpr LinearKernel kI8mm{"own, NEON I8MM", PanelForm::kInt8Eights, LinearInput::kInt8,
                                      int8_i8mm};
  static constexpr LinearKernel kDotprod{"own, NEON DotProd", PanelForm::kInt8Strips,
                                         LinearInput::kInt8, int8_dotprod};
  static constexpr LinearKernel kF32FromInt8{"own, NEON, from int8 weights", PanelForm::kF32Strips,
                                             LinearInput::kAsItIs, neon};
  switch (cpu_isa()) {
    case Isa::kNeonBf16:
    case Isa::kNeonI8mm: return kI8mm;
    case Isa::kNeonDotprod: return kDotprod;
    case Isa::kNeon: return kF32FromInt8;
    default: return kInt8Generic;
  }
}

}  // namespace

const LinearKernel& fastest_linear_kernel(WeightType stored) {
  const Isa isa = cpu_isa();
  if (stored == WeightType::kInt8) return int8_kernel();
  if (isa == Isa::kGeneric) return kF32Generic;
  return stored != WeightType::kF32 && isa == Isa::kNeonBf16 ? kBf16 : kF32;
}

// Only linear layers multiply bf16. They round their inputs, and everything else is in f32.
bool computes_in_bf16() { return false; }

UnpackPanel* fastest_unpack_panel() {
  return cpu_isa() == Isa::kGeneric ? unpack_panel_plain : unpack_panel_neon;
}

}  // namespace llm2clip
