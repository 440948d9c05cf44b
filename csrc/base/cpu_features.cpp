#include "base/cpu_features.h"

#include <cpuid.h>

#include <algorithm>
#include <cstdint>

namespace llm2clip {
namespace {

// AMX tiles need the system's leave: bits 17 and 18 of XCR0.
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

}  // namespace

std::vector<std::string> cpu_features() {
  __builtin_cpu_init();
  std::vector<std::string> features;
  if (__builtin_cpu_supports("avx2")) features.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) features.emplace_back("fma");
  if (__builtin_cpu_supports("avx512f")) features.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512vnni")) features.emplace_back("avx512_vnni");
  if (__builtin_cpu_supports("avx512bf16")) features.emplace_back("avx512_bf16");
  if (system_saves_tiles()) {
    const uint32_t edx = leaf7_edx();
    if ((edx & (1U << 22)) != 0) features.emplace_back("amx_bf16");
    if ((edx & (1U << 25)) != 0) features.emplace_back("amx_int8");
  }
  return features;
}

bool has_avx512() {
  static const bool has = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("x86-64-v4") != 0;
  }();
  return has;
}

bool has_bf16_arithmetic() {
  const auto features = cpu_features();
  return std::ranges::any_of(features, [](const std::string& feature) {
    return feature == "avx512_bf16" || feature == "amx_bf16";
  });
}

}  // namespace llm2clip
