#pragma once

#include <cstdint>

namespace llm2clip {

class Crew;

// The machine's limits, measured on all threads of the crew at once. The first ones are 10⁹
// operations per second of the instruction that a kernel multiplies with, using registers only.
// They are 0 when the processor lacks the instruction. Without AVX-512 they are those of AVX2,
// which widens int8 to int16. The last ones are 10⁹ bytes per second read from and written to
// memory.
struct MachineLimits {
  double fp32, bf16, int16, int8;
  double bandwidth;
};

MachineLimits measure_limits(Crew& crew);

// Each function runs a loop of `repeats` × 24 registers of 16 sums (AVX2: 12 registers of 8 sums)
// and returns the number of operations.
double multiply_in_registers_avx2(int64_t repeats);
double multiply_int16_in_registers_avx2(int64_t repeats);
double multiply_in_registers_avx512(int64_t repeats);
double multiply_in_registers_avx512_bf16(int64_t repeats);
double multiply_int16_in_registers_avx512_vnni(int64_t repeats);
double multiply_int8_in_registers_avx512_vnni(int64_t repeats);

}  // namespace llm2clip
