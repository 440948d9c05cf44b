#pragma once

#include <cstdint>

namespace llm2clip {

class Crew;

// What the machine gives at most, measured on all threads of the crew at once: 10⁹ operations a
// second of the instruction that a kernel's products are made of, in registers alone (0 where the
// processor lacks it), and 10⁹ bytes a second read from memory and written to it.
struct MachineLimits {
  double fp32, bf16, int16, int8;
  double bandwidth;
};

MachineLimits measure_limits(Crew& crew);

// One loop each: repeats × 24 registers of 16 sums; the number of operations that it made.
double multiply_in_registers_avx512(int64_t repeats);
double multiply_in_registers_avx512_bf16(int64_t repeats);
double multiply_int16_in_registers_avx512_vnni(int64_t repeats);
double multiply_int8_in_registers_avx512_vnni(int64_t repeats);

}  // namespace llm2clip
