#pragma once

namespace llm2clip {

// True when code compiled for x86-64-v3 runs here: AVX2, FMA, F16C and the rest of that level.
bool has_avx2();

// True when AVX2 and AVX-VNNI run here: int8 products in 256-bit registers, without AVX-512.
bool has_avx_vnni();

// True when code compiled for x86-64-v4 runs here: AVX-512 F, BW, CD, DQ and VL. The next two
// functions also require the int8 products (VNNI) or the bf16 products.
bool has_avx512();
bool has_avx512_vnni();
bool has_avx512_bf16();

}  // namespace llm2clip
