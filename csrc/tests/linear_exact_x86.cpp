#include "base/cpu_features_x86.h"
#include "linear_exact_cases.h"
#include "linear_exact_test.h"
#include "linear_vnni_twin.h"

namespace llm2clip {
namespace {

using namespace testing;

using Int16Linear = decltype(&linear_int16_avx2);

struct Int16Kernel {
  const char* name;
  Int16Linear multiply;
};

// Reads the rounded weight back from the panels.
std::vector<int16_t> unpacked(const LinearCase& c, const PackedWeight& packed,
                              std::vector<float>& scales) {
  std::vector<int16_t> weight(static_cast<size_t>(c.out * c.in));
  for (int64_t o = 0; o < c.out; ++o) {
    const auto strips = packed.panel(o / kTileColumns, PanelForm::kInt16Strips);
    const auto* panel = reinterpret_cast<const int16_t*>(strips.get());
    const int64_t column = o % kTileColumns, strip = column / kStripColumns;
    for (int64_t i = 0; i < c.in; ++i) {
      weight[o * c.in + i] = panel[strip * kStripColumns * c.in + i / 2 * kStripColumns * 2 +
                                   column % kStripColumns * 2 + i % 2];
    }
    scales.push_back(reinterpret_cast<const float*>(panel + c.in * kTileColumns)[column]);
  }
  return weight;
}

void test_int16(const Int16Kernel& kernel, const LinearCase& c, const std::vector<float>& x,
                const std::vector<float>& weight, const char* what, int64_t spoilt = -1) {
  const auto bias = random_numbers(c.out);
  const float* with_bias = c.with_bias ? bias.data() : nullptr;
  std::vector<int16_t> q(x.size());
  std::vector<float> rows(static_cast<size_t>(c.rows)), outputs;
  quantise_rows(x.data(), q.data(), rows.data(), {c.in, c.in, nullptr}, 0, c.rows);
  const PackedWeight packed(WeightType::kBf16, to_bf16(weight), c.out, c.in);
  auto found = unwritten<float>(c.rows * c.out);
  each_share<int16_t>(packed, PanelForm::kInt16Strips, c.arguments(), c.threads,
                      [&](const int16_t* strips, const LinearBlock& block) {
                        kernel.multiply(q.data(), rows.data(), strips, with_bias, found.data(),
                                        c.arguments(), block);
                      });
  if (spoilt >= 0) return report(spoils_itself_alone(found, c, spoilt), kernel.name, c, what);
  const auto rounded = unpacked(c, packed, outputs);
  report(found == plain(c, q, 0, rows.data(), rounded, outputs.data(), with_bias, kInt16Depth),
         kernel.name, c, what);
}

void test_int16(const Int16Kernel& kernel) {
  for (const LinearCase& c : linear_cases()) {
    auto x = random_numbers(c.rows * c.in), weight = random_numbers(c.out * c.in);
    for (int64_t r = 0; r < c.rows; ++r) x[r * c.in] *= 1000;  // far larger than the others
    test_int16(kernel, c, x, weight, "at random");
  }
  test_int16(kernel, {7, 38, 65}, random_numbers(7 * 38), random_numbers(65 * 38), "odd groups");
  const LinearCase c{7, 2 * kInt16Depth + 8, 65, false, 1};
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> x(static_cast<size_t>(c.rows * c.in), 3.0F);
    const std::vector<float> weight(static_cast<size_t>(c.out * c.in), sign);
    test_int16(kernel, c, x, weight, "largest sums");
  }
  const std::vector<float> zeros(static_cast<size_t>(c.rows * c.in));
  test_int16(kernel, c, zeros, std::vector<float>(static_cast<size_t>(c.out * c.in)), "zeros");
  for (const float by : {NAN, INFINITY}) {
    test_int16(kernel, c, spoilt_numbers(c, 3, by), random_numbers(c.out * c.in), "no number", 3);
  }
}

}  // namespace

void test_exact_linears() {
  if (!has_avx2()) {
    std::puts("skipped: linear over strips needs AVX2");
    return;
  }
  test_int16({"int16, AVX2", linear_int16_avx2});
  test_int8<int16_t, int16_t>({"int8, AVX2", linear_int8_avx2});
  test_int8<uint8_t, int8_t>({"int8, twin of AVX-VNNI", linear_int8_vnni_twin});
  if (has_avx_vnni()) {
    test_int16({"int16, AVX-VNNI", linear_int16_avx_vnni});
    test_int8<uint8_t, int8_t>({"int8, AVX-VNNI", linear_int8_avx_vnni});
  } else {
    std::puts("skipped: linear in int8 and int16 needs AVX-VNNI");
  }
  if (has_avx512_vnni()) {
    test_int16({"int16, VNNI of 256 bits", linear_int16_256_avx512_vnni});
    test_int8<uint8_t, int8_t>({"int8, VNNI of 256 bits", linear_int8_256_avx512_vnni});
  } else {
    std::puts("skipped: linear in int8 and int16 on 256 bits needs AVX-512 VNNI");
  }
}

}  // namespace llm2clip
