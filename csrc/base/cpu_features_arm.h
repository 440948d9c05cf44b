#pragma once

namespace llm2clip {

// True when these instructions run here. All 64-bit Arm processors that Linux supports have NEON.
bool has_dotprod();  // SDOT: products of four int8 numbers
bool has_i8mm();     // SMMLA: products of 2 × 8 and 8 × 2 int8 numbers
bool has_bf16();     // BFMMLA: products of 2 × 4 and 4 × 2 bf16 numbers
bool has_crc32();

}  // namespace llm2clip
