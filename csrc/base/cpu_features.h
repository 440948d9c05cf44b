#pragma once

#include <string>
#include <vector>

namespace llm2clip {

// What of this list the processor and the system have: avx2, fma, avx512f, avx512_vnni,
// avx512_bf16, amx_bf16, amx_int8.
std::vector<std::string> cpu_features();

// Whether what the compiler calls x86-64-v3 runs: AVX2, FMA, F16C and what came with them.
bool has_avx2();

// Whether what the compiler calls x86-64-v4 runs: AVX-512 F, BW, CD, DQ and VL; and beyond it the
// products of int8 (VNNI) and of bf16.
bool has_avx512();
bool has_avx512_vnni();
bool has_avx512_bf16();

// What the kernels of a session are chosen by; each includes those before it.
enum class Isa { kGeneric, kAvx512, kAvx512Vnni, kAvx512Bf16, kAmx };

// The best that this processor is fast at: without AMX, Intel's multiply bf16 at half the rate of
// f32, so that there the choice ends at kAvx512Vnni. LLM2CLIP_ISA=generic, avx512, avx512_vnni,
// avx512_bf16 or amx chooses another. Throws ERR_DEVICE_UNAVAILABLE for one that is not there.
Isa cpu_isa();

// As LLM2CLIP_ISA has it.
std::string isa_name(Isa isa);

}  // namespace llm2clip
