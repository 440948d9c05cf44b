// Times each kernel on the shapes of EVA02-L/14@336, so that a regression can be located: a line of
// JSON a kernel. kernels_bench [THREADS] [SECONDS A KERNEL]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/cpu_features.h"
#include "image/preprocess.h"
#include "kernels/cpu/attention.h"
#include "kernels/cpu/bf16.h"
#include "kernels/cpu/gated_norm.h"
#include "kernels/cpu/linear.h"
#include "kernels/cpu/tile.h"

namespace llm2clip {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kTokens = 577, kWidth = 1024, kHeads = 16, kHeadDim = 64, kHidden = 2730;

struct Setting {
  int64_t threads;
  double seconds;
};

// Numbers on a cache line's boundary, normally distributed, as f32, bf16 or int8.
template <typename T = float>
class Numbers {
 public:
  explicit Numbers(int64_t count) : storage_(static_cast<size_t>(count) + 64) {
    std::mt19937 random(1);
    std::normal_distribution<float> normal;
    for (T& x : storage_) {
      if constexpr (sizeof(T) == 1) {
        x = static_cast<T>(40 * normal(random));
      } else {
        store(&x, 0, normal(random));
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

// Parts 0 to count − 1, an equal stretch of them on each thread.
void in_parallel(int64_t count, int64_t threads,
                 const std::function<void(int64_t first, int64_t last)>& body) {
  std::vector<std::thread> others;
  for (int64_t t = 1; t < threads; ++t) {
    others.emplace_back(body, count * t / threads, count * (t + 1) / threads);
  }
  body(0, count / threads);
  for (auto& other : others) other.join();
}

struct Work {
  std::string kernel, shape;
  double operations, bytes;  // of one call; bytes read and written at the least
};

void measure(const Work& work, const Setting& setting, const std::function<void()>& call) {
  std::vector<double> times;
  double spent = 0;
  call();
  while (spent < setting.seconds || times.size() < 3) {
    const auto begin = Clock::now();
    call();
    times.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    spent += times.back();
  }
  std::ranges::sort(times);
  const double median = times[times.size() / 2];
  std::printf(
      "{\"kernel\": \"%s\", \"shape\": \"%s\", \"threads\": %d, \"calls\": %zu, \"medianMs\": "
      "%.4f, "
      "\"leastMs\": %.4f, \"gflops\": %.1f, \"gigabytesPerSecond\": %.1f}\n",
      work.kernel.c_str(), work.shape.c_str(), static_cast<int>(setting.threads), times.size(),
      median * 1e3, times.front() * 1e3, work.operations / median / 1e9, work.bytes / median / 1e9);
  std::fflush(stdout);
}

std::string product(std::initializer_list<int64_t> sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

// x in X, weights in W, results in Y.
template <typename X, typename W, typename Y>
void time_linear(const char* name, int64_t in, int64_t out, const Setting& setting,
                 const auto& multiply) {
  const LinearArguments a{kTokens, in, out};
  Numbers<X> x(kTokens * in);
  Numbers<W> weight(out * in), packed(linear_panels(out) * (in + 4) * kTileColumns);
  Numbers<float> bias(out);
  Numbers<Y> result(kTokens * out);
  pack_linear_weight(weight.data(), packed.data(), a, 0, linear_panels(out));
  const LinearShares shares = linear_shares(a, setting.threads);
  const Work work{name, product({kTokens, in, out}), 2.0 * static_cast<double>(kTokens * in * out),
                  static_cast<double>(kTokens * in * sizeof(X) + in * out * sizeof(W) +
                                      kTokens * out * sizeof(Y))};
  measure(work, setting, [&] {
    in_parallel(shares.count, setting.threads, [&](int64_t first, int64_t last) {
      for (int64_t share = first; share < last; ++share) {
        multiply(x.data(), packed.data(), bias.data(), result.data(), a, shares, share);
      }
    });
  });
}

constexpr auto kInF32 = [](auto... arguments) { linear_avx512(arguments...); };
constexpr auto kInBf16 = [](auto... arguments) { linear_avx512_bf16(arguments...); };

void time_linears(int64_t in, int64_t out, const Setting& setting) {
  time_linear<float, float, float>("linear fp32", in, out, setting, kInF32);
  time_linear<float, uint16_t, float>("linear fp32, bf16 weights", in, out, setting, kInF32);
  if (has_avx512_bf16()) {
    time_linear<uint16_t, uint16_t, uint16_t>("linear bf16", in, out, setting, kInBf16);
  }
  if (has_avx512_vnni()) {
    Numbers<float> rows(kTokens), outputs(out);
    const auto multiply = [&](const uint8_t* x, const int8_t* packed, auto... rest) {
      linear_avx512_vnni(x, packed, {rows.data(), outputs.data()}, rest...);
    };
    const int64_t whole = (in + 63) / 64 * 64;  // as the operator pads it
    time_linear<uint8_t, int8_t, uint16_t>("linear int8", whole, out, setting, multiply);
  }
}

void time_attention(const Setting& setting) {
  Numbers<> qkv(kTokens * 3 * kWidth), out(kTokens * kWidth), cos(kTokens * kHeadDim),
      sin(kTokens * kHeadDim);
  const AttentionArguments a{kTokens, kHeads, kHeadDim, cos.data(), sin.data()};
  const Work work{"attention fp32", product({kTokens, kHeads, kHeadDim}),
                  4.0 * static_cast<double>(kTokens * kTokens * kWidth),
                  4.0 * static_cast<double>(4 * kTokens * kWidth)};
  measure(work, setting, [&] {
    in_parallel(kHeads, setting.threads, [&](int64_t first, int64_t last) {
      Numbers<> scratch(attention_scratch(a));
      attention_avx512(qkv.data(), out.data(), a, scratch.data(), first, last);
    });
  });
}

void time_gated_norm(const Setting& setting) {
  Numbers<> gate_up(kTokens * 2 * kHidden), weight(kHidden), bias(kHidden), out(kTokens * kHidden);
  const GatedNormArguments a{kHidden, 1e-6};
  const Work work{"gated norm fp32", product({kTokens, 2 * kHidden}),
                  10.0 * static_cast<double>(kTokens * kHidden),
                  4.0 * static_cast<double>(3 * kTokens * kHidden)};
  measure(work, setting, [&] {
    in_parallel(kTokens, setting.threads, [&](int64_t first, int64_t last) {
      gated_norm_rows(gate_up.data(), weight.data(), bias.data(), out.data(), a, first, last);
    });
  });
}

void time_preprocess(int64_t width, int64_t height, const Setting& setting) {
  std::vector<uint8_t> data(static_cast<size_t>(width * height * 3));
  std::mt19937 random(1);
  for (auto& byte : data) byte = static_cast<uint8_t>(random());
  const Preprocessing p{336, {0.48F, 0.46F, 0.41F}, {0.27F, 0.26F, 0.28F}};
  std::vector<float> pixels(static_cast<size_t>(3) * p.size * p.size);
  const Work work{"preprocess", product({width, height}), 0,
                  static_cast<double>(data.size() + 4 * pixels.size())};
  measure(work, {1, setting.seconds},
          [&] { preprocess({data.data(), width, height, 3}, p, pixels.data()); });
}

void time_all(const Setting& setting) {
  if (has_avx512()) {
    time_linears(kWidth, 3 * kWidth, setting);
    time_linears(kWidth, kWidth, setting);
    time_linears(kWidth, 2 * kHidden, setting);
    time_linears(kHidden, kWidth, setting);
    time_attention(setting);
  } else {
    std::fputs("linear and attention need AVX-512\n", stderr);
  }
  time_gated_norm(setting);
  time_preprocess(640, 427, setting);
  time_preprocess(4000, 3000, setting);
}

}  // namespace
}  // namespace llm2clip

int main(int argc, char** argv) {
  const int64_t threads = argc > 1 ? std::atoll(argv[1]) : std::thread::hardware_concurrency();
  const double seconds = argc > 2 ? std::atof(argv[2]) : 1;
  if (threads < 1 || seconds <= 0) {
    std::fputs("usage: kernels_bench [THREADS] [SECONDS A KERNEL]\n", stderr);
    return 2;
  }
  llm2clip::time_all({threads, seconds});
  return 0;
}
