#include "base/cpu_features.h"
#include "base/cpu_features_x86.h"
#include "ops/linear_tasks.h"

namespace llm2clip {
namespace {

void avx2(const LinearTask& t) { multiply<float>(t, linear_avx2); }
void avx512(const LinearTask& t) {
  multiply<float>(t, [](auto... all) { linear_avx512(all...); });
}
void avx512_of_bf16(const LinearTask& t) {
  multiply<float, uint16_t>(t, [](auto... all) { linear_avx512(all...); });
}
void avx512_bf16(const LinearTask& t) { multiply<uint16_t>(t, linear_avx512_bf16); }

void int16_avx2(const LinearTask& t) { multiply_int16(t, linear_int16_avx2); }
void int16_avx_vnni(const LinearTask& t) { multiply_int16(t, linear_int16_avx_vnni); }
void int16_256_vnni(const LinearTask& t) { multiply_int16(t, linear_int16_256_avx512_vnni); }
void int16_avx512_vnni(const LinearTask& t) {
  multiply_int16(t, [](auto... all) { linear_avx512_vnni(all...); });
}

void int8_avx2(const LinearTask& t) {
  multiply_int8<int16_t, int16_t>(t, [](auto... all) { linear_int8_avx2(all...); });
}
void int8_avx_vnni(const LinearTask& t) {
  multiply_int8<uint8_t, int8_t>(t, [](auto... all) { linear_int8_avx_vnni(all...); });
}
void int8_256_vnni(const LinearTask& t) {
  multiply_int8<uint8_t, int8_t>(t, [](auto... all) { linear_int8_256_avx512_vnni(all...); });
}
void int8_avx512_vnni(const LinearTask& t) {
  multiply_int8<uint8_t, int8_t>(t, [](auto... all) { linear_avx512_vnni(all...); });
}

constexpr LinearKernel kF32Avx2{"own, AVX2", PanelForm::kF32Strips, LinearInput::kAsItIs, avx2};
constexpr LinearKernel kF32Avx512{"own, AVX-512", PanelForm::kStored, LinearInput::kAsItIs, avx512};

const LinearKernel& f32_kernel() {
  const Isa isa = cpu_isa();
  if (isa >= Isa::kAvx512) return kF32Avx512;
  return isa == Isa::kGeneric ? kF32Generic : kF32Avx2;
}

constexpr LinearKernel kInt16Avx2{"own, AVX2 in int16", PanelForm::kInt16Strips,
                                  LinearInput::kInt16, int16_avx2};
constexpr LinearKernel kInt16AvxVnni{"own, AVX-VNNI in int16", PanelForm::kInt16Strips,
                                     LinearInput::kInt16, int16_avx_vnni};
constexpr LinearKernel kInt16Of256Bits{kInt16AvxVnni.name, PanelForm::kInt16Strips,
                                       LinearInput::kInt16, int16_256_vnni};
constexpr LinearKernel kInt16Avx512{"own, AVX-512 VNNI in int16", PanelForm::kInt16,
                                    LinearInput::kInt16, int16_avx512_vnni};

// Returns nullptr if no int16 kernel is faster than the alternatives.
const LinearKernel* int16_kernel() {
  switch (cpu_isa()) {
    case Isa::kAvx2: return &kInt16Avx2;
    case Isa::kAvxVnni: return has_avx_vnni() ? &kInt16AvxVnni : &kInt16Of256Bits;
    case Isa::kAvx512Vnni: return &kInt16Avx512;
    default: return nullptr;
  }
}

const LinearKernel& kernel_of_16_bits(bool stored_in_bf16) {
  static constexpr LinearKernel kBf16AsStored{"own, AVX-512 BF16", PanelForm::kStored,
                                              LinearInput::kPadded, avx512_bf16};
  static constexpr LinearKernel kBf16OfF16{kBf16AsStored.name, PanelForm::kBf16,
                                           LinearInput::kPadded, avx512_bf16};
  static constexpr LinearKernel kF32OfBf16{kF32Avx512.name, PanelForm::kStored,
                                           LinearInput::kAsItIs, avx512_of_bf16};
  static constexpr LinearKernel kF32OfF16{kF32Avx512.name, PanelForm::kF32, LinearInput::kAsItIs,
                                          avx512};
  if (const LinearKernel* kernel = int16_kernel()) return *kernel;
  if (computes_in_bf16()) return stored_in_bf16 ? kBf16AsStored : kBf16OfF16;
  if (cpu_isa() < Isa::kAvx512) return f32_kernel();
  return stored_in_bf16 ? kF32OfBf16 : kF32OfF16;
}

const LinearKernel& int8_kernel() {
  static constexpr LinearKernel kAvx512{"own, AVX-512 VNNI", PanelForm::kStored,
                                        LinearInput::kUint8, int8_avx512_vnni};
  static constexpr LinearKernel kAvxVnni{"own, AVX-VNNI", PanelForm::kInt8Strips,
                                         LinearInput::kUint8, int8_avx_vnni};
  static constexpr LinearKernel kOf256Bits{kAvxVnni.name, PanelForm::kInt8Strips,
                                           LinearInput::kUint8, int8_256_vnni};
  static constexpr LinearKernel kAvx2{"own, AVX2", PanelForm::kInt16Strips,
                                      LinearInput::kInt8InInt16, int8_avx2};
  static constexpr LinearKernel kF32ByAvx512{"own, AVX-512, from int8 weights", PanelForm::kF32,
                                             LinearInput::kAsItIs, avx512};
  switch (cpu_isa()) {
    case Isa::kGeneric: return kInt8Generic;
    case Isa::kAvx2: return kAvx2;
    case Isa::kAvxVnni: return has_avx_vnni() ? kAvxVnni : kOf256Bits;
    case Isa::kAvx512: return kF32ByAvx512;
    default: return kAvx512;
  }
}

}  // namespace

const LinearKernel& fastest_linear_kernel(WeightType stored) {
  switch (stored) {
    case WeightType::kF32: break;
    case WeightType::kBf16: return kernel_of_16_bits(true);
    case WeightType::kF16: return kernel_of_16_bits(false);
    case WeightType::kInt8: return int8_kernel();
  }
  return f32_kernel();
}

bool computes_in_bf16() { return cpu_isa() >= Isa::kAvx512Bf16 && has_avx512_bf16(); }

UnpackPanel* fastest_unpack_panel() {
  return cpu_isa() >= Isa::kAvx2 ? unpack_panel_avx2 : unpack_panel_plain;
}

}  // namespace llm2clip
