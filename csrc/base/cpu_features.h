#pragma once

#include <string>
#include <vector>

namespace llm2clip {

// The features of this list that both the processor and the operating system support: avx2, fma,
// avx_vnni, avx512f, avx512_vnni, avx512_bf16, amx_bf16, amx_int8.
std::vector<std::string> cpu_features();

// True when code compiled for x86-64-v3 runs here: AVX2, FMA, F16C and the rest of that level.
bool has_avx2();

// True when AVX2 and AVX-VNNI run here: int8 products in 256-bit registers, without AVX-512.
bool has_avx_vnni();

// True when code compiled for x86-64-v4 runs here: AVX-512 F, BW, CD, DQ and VL. The next two
// functions also require the int8 products (VNNI) or the bf16 products.
bool has_avx512();
bool has_avx512_vnni();
bool has_avx512_bf16();

// The instruction set that selects a session's kernels. Each one includes those before it: a
// processor with AVX-512 VNNI has the instructions of kAvxVnni in their EVEX encoding.
enum class Isa { kGeneric, kAvx2, kAvxVnni, kAvx512, kAvx512Vnni, kAvx512Bf16, kAmx };

// The fastest instruction set of this processor. Intel processors without AMX multiply bf16 at half
// the rate of f32, so the choice for them ends at kAvx512Vnni. The environment variable
// LLM2CLIP_ISA (generic, avx2, avx_vnni, avx512, avx512_vnni, avx512_bf16 or amx) overrides the
// choice. Throws ERR_DEVICE_UNAVAILABLE when the processor does not support the requested one.
Isa cpu_isa();

// The name as LLM2CLIP_ISA spells it.
std::string isa_name(Isa isa);

}  // namespace llm2clip
