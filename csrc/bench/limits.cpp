#include "bench/limits.h"

#include "base/cpu_features_x86.h"
#include "bench/timing.h"

namespace llm2clip {
namespace {

constexpr int kRounds = 30;  // long enough for the system to spread the threads

// The best of several rounds, because the load of other processes is not a limit of the machine.
double best_rate(Crew& crew, const std::function<double()>& one_thread) {
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<double> done(static_cast<size_t>(crew.size()));
    const double seconds = seconds_of([&] {
      crew.run(crew.size(), [&](int64_t first, int64_t) { done[first] = one_thread(); });
    });
    double sum = 0;
    for (const double operations : done) sum += operations;
    best = std::max(best, sum / seconds / 1e9);
  }
  return best;
}

double multiplications(Crew& crew, bool there, double (*multiply)(int64_t)) {
  constexpr int64_t kRepeats = 4'000'000;
  return there ? best_rate(crew, [multiply] { return multiply(kRepeats); }) : 0;
}

double bandwidth(Crew& crew) {
  constexpr size_t kNumbers = 64 << 20;  // 256 MiB per thread: larger than the caches
  std::vector<std::vector<float>> rooms(static_cast<size_t>(crew.size()));
  crew.run(crew.size(), [&](int64_t first, int64_t) { rooms[first].assign(kNumbers, 1.0F); });
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const double seconds = seconds_of([&] {
      crew.run(crew.size(), [&](int64_t first, int64_t) {
        for (float& x : rooms[first]) x = x * 0.5F + 1.0F;
      });
    });
    const double bytes = 2.0 * sizeof(float) * kNumbers * static_cast<double>(crew.size());
    best = std::max(best, bytes / seconds / 1e9);
  }
  return best;
}

}  // namespace

MachineLimits measure_limits(Crew& crew) {
  if (!has_avx512()) {
    const double int16 = multiplications(crew, has_avx2(), multiply_int16_in_registers_avx2);
    return {multiplications(crew, has_avx2(), multiply_in_registers_avx2), 0, int16, int16,
            bandwidth(crew)};
  }
  return {multiplications(crew, has_avx512(), multiply_in_registers_avx512),
          multiplications(crew, has_avx512_bf16(), multiply_in_registers_avx512_bf16),
          multiplications(crew, has_avx512_vnni(), multiply_int16_in_registers_avx512_vnni),
          multiplications(crew, has_avx512_vnni(), multiply_int8_in_registers_avx512_vnni),
          bandwidth(crew)};
}

}  // namespace llm2clip
