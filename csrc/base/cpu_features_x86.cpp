#include "base/cpu_features_x86.h"

#include <cpuid.h>

#include <array>
#include <cstdint>

#include "base/isa_choices.h"

namespace llm2clip {
namespace {

constexpr std::array kChoices{IsaChoice{"generic", Isa::kGeneric},
                              IsaChoice{"avx2", Isa::kAvx2},
                              IsaChoice{"avx_vnni", Isa::kAvxVnni},
                              IsaChoice{"avx512", Isa::kAvx512},
                              IsaChoice{"avx512_vnni", Isa::kAvx512Vnni},
                              IsaChoice{"avx512_bf16", Isa::kAvx512Bf16},
                              IsaChoice{"amx", Isa::kAmx}};

// The operating system must enable AMX tiles. Bits 17 and 18 of XCR0 show that it has done so.
bool system_saves_tiles() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx & bit_OSXSAVE) == 0) return false;
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & 0x60000) == 0x60000;
}

uint32_t leaf7_edx() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) != 0 ? edx : 0;
}

bool has_amx_bf16() { return system_saves_tiles() && (leaf7_edx() & (1U << 22)) != 0; }
bool has_amx_int8() { return system_saves_tiles() && (leaf7_edx() & (1U << 25)) != 0; }

}  // namespace

std::span<const IsaChoice> isa_choices() { return kChoices; }

bool has_isa(Isa isa) {
  switch (isa) {
    case Isa::kGeneric: return true;
    case Isa::kAvx2: return has_avx2();
    case Isa::kAvxVnni: return has_avx_vnni() || has_avx512_vnni();
    case Isa::kAvx512: return has_avx512();
    case Isa::kAvx512Vnni: return has_avx512_vnni();
    case Isa::kAvx512Bf16: return has_avx512_bf16() && has_avx512_vnni();
    case Isa::kAmx: return has_amx_bf16() && has_amx_int8();
    default: return false;
  }
}

Isa best_isa() {
  if (has_isa(Isa::kAmx)) return Isa::kAmx;
  if (has_isa(Isa::kAvx512Bf16) && __builtin_cpu_is("intel") == 0) return Isa::kAvx512Bf16;
  if (has_isa(Isa::kAvx512Vnni)) return Isa::kAvx512Vnni;
  if (has_isa(Isa::kAvx512)) return Isa::kAvx512;
  if (has_isa(Isa::kAvxVnni)) return Isa::kAvxVnni;
  return has_isa(Isa::kAvx2) ? Isa::kAvx2 : Isa::kGeneric;
}

std::vector<std::string> cpu_features() {
  __builtin_cpu_init();
  std::vector<std::string> features;
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (has_avx_vnni()) features.emplace_back("avx_vnni");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (has_avx512_vnni()) features.emplace_back("avx512_vnni");
  if (has_avx512_bf16()) features.emplace_back("avx512_bf16");
  if (has_amx_bf16()) features.emplace_back("amx_bf16");
  if (has_amx_int8()) features.emplace_back("amx_int8");
  return features;
}

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v3") != 0;
}

bool has_avx_vnni() {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
  return has_avx2() && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 &&
         (eax & (1U << 4)) != 0;
}

bool has_avx512() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("x86-64-v4") != 0;
}

bool has_avx512_vnni() {
  __builtin_cpu_init();
  return has_avx512() && __builtin_cpu_supports("avx512vnni") != 0;
}

bool has_avx512_bf16() {
  __builtin_cpu_init();
  return has_avx512() && __builtin_cpu_supports("avx512bf16") != 0;
}

}  // namespace llm2clip
