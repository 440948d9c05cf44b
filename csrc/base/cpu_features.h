#pragma once

#include <string>
#include <vector>

namespace llm2clip {

// The features of this list that both the processor and the operating system support. x86: avx2,
// fma, avx_vnni, avx512f, avx512_vnni, avx512_bf16, amx_bf16, amx_int8. Arm: neon, dotprod, i8mm,
// bf16.
std::vector<std::string> cpu_features();

// The instruction set that selects a session's kernels. kGeneric is everywhere, and each other one
// includes those before it of its architecture: a processor with AVX-512 VNNI has the instructions
// of kAvxVnni in their EVEX encoding. Only code for x86 compares them by their order.
enum class Isa {
  kGeneric,
  // x86
  kAvx2,
  kAvxVnni,
  kAvx512,
  kAvx512Vnni,
  kAvx512Bf16,
  kAmx,
  // Arm, 64 bits
  kNeon,
  kNeonDotprod,
  kNeonI8mm,
  kNeonBf16
};

// The fastest instruction set of this processor. Intel processors without AMX multiply bf16 at half
// the rate of f32, so the choice for them ends at kAvx512Vnni. The environment variable
// LLM2CLIP_ISA overrides the choice: generic, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16 or
// amx on x86; generic, neon, neon_dotprod, neon_i8mm or neon_bf16 on Arm. Throws
// ERR_DEVICE_UNAVAILABLE when the processor does not support the requested one.
Isa cpu_isa();

// The name as LLM2CLIP_ISA spells it.
std::string isa_name(Isa isa);

}  // namespace llm2clip
