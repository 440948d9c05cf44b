#pragma once

#include <string>
#include <vector>

namespace llm2clip {

// What of this list the processor and the system have: avx2, fma, avx512f, avx512_vnni,
// avx512_bf16, amx_bf16, amx_int8.
std::vector<std::string> cpu_features();

// Whether what the compiler calls x86-64-v4 runs: AVX-512 F, BW, CD, DQ and VL.
bool has_avx512();

// Whether bf16 products are made in hardware (AVX-512 BF16 or AMX).
bool has_bf16_arithmetic();

}  // namespace llm2clip
