// Times each kernel on the shapes of EVA02-L/14@336 and compares it with the machine's measured
// limits, so that a regression can be located. Prints one line of JSON per kernel.
//   kernels_bench [THREADS] [SECONDS_PER_KERNEL]
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu_features_x86.h"
#include "base/spin.h"
#include "bench/limits.h"
#include "bench/timing.h"
#include "image/preprocess.h"
#include "kernels/cpu/activation.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/gate.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/layer_norm.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/linear_shares.h"
#include "kernels/cpu/panels.h"
#include "kernels/cpu/quantise_rows.h"
#include "kernels/cpu/rms_norm.h"
#include "kernels/cpu/tile.h"
#include "ops/team.h"

namespace llm2clip {
namespace {

constexpr int64_t kTokens = 577, kWidth = 1024, kHeads = 16, kHeadDim = 64, kHidden = 2730;

struct Setting {
  Crew& crew;
  double seconds;
  MachineLimits limits;
};

// Normally distributed numbers as f32, bf16 or integers, aligned to a cache line.
template <typename T = float>
class Numbers {
 public:
  explicit Numbers(int64_t count) : storage_(static_cast<size_t>(count) + 64) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (T& x : storage_) {
      if constexpr (std::is_same_v<T, float> || std::is_same_v<T, uint16_t>) {
        store(&x, 0, normal(random));
      } else {
        x = static_cast<T>(40 * normal(random));
      }
    }
  }
  T* data() {
    const auto address = reinterpret_cast<uintptr_t>(storage_.data());
    return storage_.data() + ((64 - address % 64) % 64) / sizeof(T);
  }

 private:
  std::vector<T> storage_;
};

// The first cache line in memory that has 64 bytes more than it needs.
std::byte* aligned_in(std::vector<std::byte>& memory) {
  return memory.data() + (64 - reinterpret_cast<uintptr_t>(memory.data()) % 64) % 64;
}

struct Work {
  std::string kernel, shape;
  double operations, bytes;  // of one call; `bytes` is the minimum read and written
  double peak;               // the machine's limit in 10⁹ operations per second
};

// The minimum time of a call is that of its products or its memory accesses, whichever is longer.
void report(const Work& work, const Setting& setting, size_t calls, double median) {
  const double products = work.peak > 0 ? work.operations / work.peak / 1e9 : 0;
  const double memory = work.bytes / setting.limits.bandwidth / 1e9;
  std::printf(
      "{\"kernel\": \"%s\", \"shape\": \"%s\", \"threads\": %d, \"calls\": %zu, \"medianMs\": "
      "%.4f, \"gflops\": %.1f, \"gigabytesPerSecond\": %.1f, \"limit\": \"%s\", \"share\": "
      "%.3f}\n",
      work.kernel.c_str(), work.shape.c_str(), static_cast<int>(setting.crew.size()), calls,
      median * 1e3, work.operations / median / 1e9, work.bytes / median / 1e9,
      products > memory ? "arithmetic" : "bandwidth", std::max(products, memory) / median);
  std::fflush(stdout);
}

void measure(const Work& work, const Setting& setting, const std::function<void()>& call) {
  std::vector<double> times;
  double spent = 0;
  call();
  while (spent < setting.seconds || times.size() < 3) {
    times.push_back(seconds_of(call));
    spent += times.back();
  }
  std::ranges::sort(times);
  report(work, setting, times.size(), times[times.size() / 2]);
}

std::string product(std::initializer_list<int64_t> sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

// A weight as it is stored, and the form that a kernel reads.
struct TimedWeight {
  WeightType type;
  PanelForm form;
  int64_t in, out;

  // The inputs that the kernel multiplies: all that it computes in f32 have no padding.
  int64_t width(size_t input_bytes) const {
    return input_bytes == sizeof(float) ? in : whole_groups(type, in);
  }
};

// Packs random numbers. T has the size of the stored type.
template <typename T>
std::vector<std::byte> packed_panels(const TimedWeight& w) {
  Numbers<T> weight(w.out * w.in);
  std::vector<std::byte> panels(
      static_cast<size_t>(linear_panels(w.out) * panel_bytes(w.type, w.in) + 64));
  pack_panels(w.type, weight.data(), aligned_in(panels), w.out, w.in, 0, linear_panels(w.out));
  return panels;
}

// The input has numbers X, the stored weight Stored, the unpacked one W and the results Y. Times
// unpacking and multiplying.
template <typename X, typename Stored, typename W, typename Y>
void time_linear(const char* name, double peak, const TimedWeight& w, const Setting& setting,
                 const auto& multiply) {
  const LinearArguments a{kTokens, w.width(sizeof(X)), w.out};
  Numbers<X> x(kTokens * a.in);
  auto panels = packed_panels<Stored>(w);
  Numbers<float> bias(w.out), scales(w.out);
  Numbers<Y> result(kTokens * w.out);
  std::vector<std::vector<std::byte>> rooms(
      static_cast<size_t>(setting.crew.size()),
      std::vector<std::byte>(static_cast<size_t>(unpacked_bytes(w.type, w.form, w.in) + 64)));
  const LinearShares shares = linear_shares(a, setting.crew.size());
  const Work work{name, product({kTokens, w.in, w.out}),
                  2.0 * static_cast<double>(kTokens * w.in * w.out),
                  static_cast<double>(kTokens * w.in * sizeof(X) + w.in * w.out * sizeof(Stored) +
                                      kTokens * w.out * sizeof(Y)),
                  peak};
  measure(work, setting, [&] {
    setting.crew.run(shares.count, [&](int64_t first, int64_t last) {
      std::byte* room = aligned_in(rooms[first * setting.crew.size() / shares.count]);
      for (int64_t number = first; number < last; ++number) {
        const LinearShare share = linear_share(a, shares, number);
        const std::byte* panel = aligned_in(panels) + share.panel * panel_bytes(w.type, w.in);
        if (w.form != PanelForm::kStored) {
          unpack_panel_avx2(
              panel, room,
              {w.type, w.form, w.in, scales.data() + share.block.column, share.block.columns});
          panel = room;
        }
        multiply(x.data(), reinterpret_cast<const W*>(panel), bias.data(), result.data(), a,
                 share.block);
      }
    });
  });
}

constexpr auto kInF32 = [](auto... arguments) { linear_avx512(arguments...); };

void time_linears(int64_t in, int64_t out, const Setting& setting) {
  const MachineLimits& limits = setting.limits;
  Numbers<float> rows(kTokens), outputs(out);
  time_linear<float, float, float, float>(
      "linear fp32", limits.fp32, {WeightType::kF32, PanelForm::kStored, in, out}, setting, kInF32);
  time_linear<float, uint16_t, uint16_t, float>("linear fp32, bf16 weights", limits.fp32,
                                                {WeightType::kBf16, PanelForm::kStored, in, out},
                                                setting, kInF32);
  if (has_avx512_bf16()) {
    time_linear<uint16_t, uint16_t, uint16_t, uint16_t>(
        "linear bf16", limits.bf16, {WeightType::kBf16, PanelForm::kStored, in, out}, setting,
        linear_avx512_bf16);
  }
  if (!has_avx512_vnni()) return;
  time_linear<int16_t, uint16_t, int16_t, float>(
      "linear int16", limits.int16, {WeightType::kBf16, PanelForm::kInt16, in, out}, setting,
      [&](const int16_t* x, auto... rest) { linear_avx512_vnni(x, rows.data(), rest...); });
  time_linear<uint8_t, int8_t, int8_t, uint16_t>(
      "linear int8", limits.int8, {WeightType::kInt8, PanelForm::kStored, in, out}, setting,
      [&](const uint8_t* x, const int8_t* panel, auto... rest) {
        linear_avx512_vnni(x, panel, {rows.data(), outputs.data()}, rest...);
      });
}

void time_linears_avx2(int64_t in, int64_t out, const Setting& setting) {
  const MachineLimits& limits = setting.limits;
  Numbers<float> rows(kTokens), outputs(out);
  time_linear<float, float, float, float>("linear fp32, generic", limits.fp32,
                                          {WeightType::kF32, PanelForm::kF32Strips, in, out},
                                          setting, linear_generic);
  time_linear<float, float, float, float>("linear fp32", limits.fp32,
                                          {WeightType::kF32, PanelForm::kF32Strips, in, out},
                                          setting, linear_avx2);
  time_linear<int16_t, uint16_t, int16_t, float>(
      "linear int16", limits.int16, {WeightType::kBf16, PanelForm::kInt16Strips, in, out}, setting,
      [&](const int16_t* x, auto... rest) { linear_int16_avx2(x, rows.data(), rest...); });
  time_linear<int16_t, int8_t, int16_t, float>(
      "linear int8", limits.int8, {WeightType::kInt8, PanelForm::kInt16Strips, in, out}, setting,
      [&](const int16_t* x, const int16_t* strips, auto... rest) {
        linear_int8_avx2(x, strips, {rows.data(), outputs.data()}, rest...);
      });
}

template <typename T>
void time_attention(const char* name, double peak, const Setting& setting, const auto& attend,
                    int64_t (*scratch_size)(const AttentionArguments&)) {
  Numbers<T> qkv(kTokens * 3 * kWidth), out(kTokens * kWidth);
  Numbers<> cos(kTokens * kHeadDim), sin(kTokens * kHeadDim);
  const AttentionArguments a{kTokens, kHeads, kHeadDim, cos.data(), sin.data()};
  const Work work{name, product({kTokens, kHeads, kHeadDim}),
                  4.0 * static_cast<double>(kTokens * kTokens * kWidth),
                  static_cast<double>(sizeof(T) * 4 * kTokens * kWidth), peak};
  std::vector<Numbers<>> scratch;
  for (int64_t t = 0; t < setting.crew.size(); ++t) scratch.emplace_back(scratch_size(a));
  measure(work, setting, [&] {
    setting.crew.run(kHeads, [&](int64_t first, int64_t last) {
      float* own = scratch[first * setting.crew.size() / kHeads].data();
      attend(qkv.data(), out.data(), a, own, first, last);
    });
  });
}

constexpr auto kAttendInF32 = [](auto... arguments) { attention_avx512(arguments...); };
constexpr auto kAttendInBf16 = [](auto... arguments) { attention_avx512_bf16(arguments...); };
constexpr auto kAttendInInt16 = [](auto... arguments) { attention_avx512_vnni(arguments...); };

void time_attentions(const Setting& setting) {
  const MachineLimits& limits = setting.limits;
  time_attention<float>("attention fp32", limits.fp32, setting, kAttendInF32, attention_scratch);
  if (has_avx512_vnni()) {
    time_attention<float>("attention int16", limits.int16, setting, kAttendInInt16,
                          attention_scratch_int16);
  }
  if (!has_avx512_bf16()) return;
  time_attention<uint16_t>("attention bf16", limits.bf16, setting, kAttendInBf16,
                           attention_scratch_bf16);
}

// Times kernels that only memory limits. `bytes` is the size of one row.
void time_rows(const char* name, int64_t width, int64_t bytes, const Setting& setting,
               const std::function<void(int64_t first, int64_t last)>& rows) {
  const Work work{name, product({kTokens, width}), 0, static_cast<double>(kTokens * bytes), 0};
  measure(work, setting, [&] { setting.crew.run(kTokens, rows); });
}

// In place, as in models, on the shape of OpenAI's L/14.
template <typename T>
void time_activation(const char* name, Numbers<T>& x, const Setting& setting,
                     const auto& activate) {
  constexpr int64_t kWide = 4 * kWidth;
  time_rows(name, kWide, 2 * sizeof(T) * kWide, setting, [&](int64_t first, int64_t last) {
    T* rows = x.data() + first * kWide;
    activate(rows, rows, (last - first) * kWide);
  });
}

template <typename T>
void time_norms(const std::string& type, const Setting& setting) {
  constexpr int64_t size = sizeof(T);
  Numbers<T> gate_up(kTokens * 2 * kHidden), weight(kHidden), bias(kHidden), out(kTokens * kHidden);
  Numbers<> stream(kTokens * kWidth), sum(kTokens * kWidth);
  time_rows(("gated norm " + type).c_str(), 2 * kHidden, 3 * size * kHidden, setting,
            [&](int64_t first, int64_t last) {
              gated_norm_rows(gate_up.data(), weight.data(), bias.data(), out.data(),
                              {kHidden, 1e-6}, first, last);
            });
  time_rows(("layer norm " + type).c_str(), kWidth, 2 * size * kWidth, setting,
            [&](int64_t first, int64_t last) {
              layer_norm_rows(gate_up.data(), weight.data(), bias.data(), out.data(),
                              {kWidth, 1e-6}, first, last);
            });
  time_rows(("add, layer norm " + type).c_str(), kWidth, (2 * 4 + 2 * size) * kWidth, setting,
            [&](int64_t first, int64_t last) {
              add_layer_norm_rows(stream.data(), gate_up.data(), weight.data(), bias.data(),
                                  sum.data(), out.data(), {kWidth, 1e-6}, first, last);
            });
  time_rows(("add, rms norm " + type).c_str(), kWidth, (2 * 4 + 2 * size) * kWidth, setting,
            [&](int64_t first, int64_t last) {
              add_rms_norm_rows(stream.data(), gate_up.data(), weight.data(), sum.data(),
                                out.data(), {kWidth, 1e-5}, first, last);
            });
  time_rows(("gate " + type).c_str(), 2 * kHidden, 3 * size * kHidden, setting,
            [&](int64_t first, int64_t last) {
              gate_rows(gate_up.data(), out.data(), kHidden, first, last);
            });
  time_activation(("quick_gelu " + type).c_str(), gate_up, setting,
                  [](auto... all) { quick_gelu(all...); });
  time_activation(("gelu " + type).c_str(), gate_up, setting, [](auto... all) { gelu(all...); });
  time_activation(("gelu_tanh " + type).c_str(), gate_up, setting,
                  [](auto... all) { gelu_tanh(all...); });
  Numbers<uint8_t> q(kTokens * kWidth);
  Numbers<int16_t> q16(kTokens * kWidth);
  Numbers<> scales(kTokens);
  time_rows(("quantise " + type).c_str(), kWidth, (size + 1) * kWidth, setting,
            [&](int64_t first, int64_t last) {
              quantise_rows(gate_up.data(), q.data(), scales.data(), {kWidth, kWidth, nullptr},
                            first, last);
            });
  time_rows(("quantise " + type + " to int16").c_str(), kWidth, (size + 2) * kWidth, setting,
            [&](int64_t first, int64_t last) {
              quantise_rows(gate_up.data(), q16.data(), scales.data(), {kWidth, kWidth, nullptr},
                            first, last);
            });
}

void time_preprocess(int64_t width, int64_t height, const Setting& setting) {
  std::vector<uint8_t> data(static_cast<size_t>(width * height * 3));
  std::mt19937 random(1);
  for (auto& byte : data) byte = static_cast<uint8_t>(random());
  const Preprocessing p{336, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}};
  std::vector<float> pixels(static_cast<size_t>(3) * p.size * p.size);
  const Work work{"preprocess", product({width, height}), 0,
                  static_cast<double>(data.size() + 4 * pixels.size()), 0};
  Crew alone(1);
  measure(work, {alone, setting.seconds, setting.limits},
          [&] { preprocess({data.data(), width, height, 3}, p, pixels.data()); });
}

// What it costs to distribute work: a run that ends when all threads have begun.
void time_empty_run(const Setting& setting) {
  Team team(setting.crew.size());
  const Work work{"empty run", product({team.count()}), 0, 0, 0};
  measure(work, setting, [&] {
    std::atomic<int64_t> left = team.count();
    team.run(team.count(), [&](int64_t, int64_t) {
      for (--left; left > 0;) relax();
    });
  });
}

void time_all(const Setting& setting) {
  const MachineLimits& limits = setting.limits;
  std::printf(
      "{\"machine\": {\"threads\": %d, \"fp32Gflops\": %.1f, \"bf16Gflops\": %.1f, "
      "\"int16Gflops\": %.1f, \"int8Gflops\": %.1f, \"gigabytesPerSecond\": %.1f}}\n",
      static_cast<int>(setting.crew.size()), limits.fp32, limits.bf16, limits.int16, limits.int8,
      limits.bandwidth);
  if (has_avx512()) {
    time_linears(kWidth, 3 * kWidth, setting);
    time_linears(kWidth, kWidth, setting);
    time_linears(kWidth, 2 * kHidden, setting);
    time_linears(kHidden, kWidth, setting);
    time_attentions(setting);
  } else if (has_avx2()) {
    time_linears_avx2(kWidth, 3 * kWidth, setting);
    time_linears_avx2(kWidth, kWidth, setting);
    time_linears_avx2(kWidth, 2 * kHidden, setting);
    time_linears_avx2(kHidden, kWidth, setting);
    time_attention<float>(
        "attention fp32", limits.fp32, setting, [](auto... all) { attention_avx2(all...); },
        attention_scratch_avx2);
    time_attention<float>(
        "attention int16", limits.int16, setting, [](auto... all) { attention_int16_avx2(all...); },
        attention_scratch_int16_avx2);
  } else {
    std::fputs("linear and attention need AVX2\n", stderr);
  }
  time_attention<float>(
      "attention fp32, generic", limits.fp32, setting,
      [](auto... all) { attention_generic(all...); }, attention_scratch_generic);
  time_norms<float>("fp32", setting);
  time_norms<uint16_t>("bf16", setting);
  time_preprocess(640, 427, setting);
  time_preprocess(4000, 3000, setting);
  time_empty_run(setting);
}

}  // namespace
}  // namespace llm2clip

int main(int argc, char** argv) {
  const int64_t threads = argc > 1 ? std::atoll(argv[1]) : std::thread::hardware_concurrency();
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1;
  if (threads < 1 || seconds <= 0) {
    std::fputs("usage: kernels_bench [THREADS] [SECONDS_PER_KERNEL]\n", stderr);
    return 2;
  }
  llm2clip::Crew crew(threads);
  llm2clip::time_all({crew, seconds, llm2clip::measure_limits(crew)});
  return 0;
}
