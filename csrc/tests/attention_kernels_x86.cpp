#include "attention_cases.h"
#include "base/cpu_features_x86.h"

namespace llm2clip::testing {
namespace {

struct Fp32 {
  using T = float;
  static constexpr const char* kName = "fp32";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_avx512;
  static constexpr auto scratch = attention_scratch;
};

struct Fp32Avx2 {
  using T = float;
  static constexpr const char* kName = "fp32, AVX2,";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_avx2;
  static constexpr auto scratch = attention_scratch_avx2;
};

struct Bf16 {
  using T = uint16_t;
  static constexpr const char* kName = "bf16";
  static constexpr float kTolerance = 1.5e-2F;
  static constexpr auto attention = attention_avx512_bf16;
  static constexpr auto scratch = attention_scratch_bf16;
};

struct Int16 {
  using T = float;
  static constexpr const char* kName = "int16";
  static constexpr float kTolerance = 1e-3F;
  static constexpr auto attention = attention_avx512_vnni;
  static constexpr auto scratch = attention_scratch_int16;
};

struct Int16Avx2 {
  using T = float;
  static constexpr const char* kName = "int16, AVX2,";
  static constexpr float kTolerance = 1e-3F;
  static constexpr auto attention = attention_int16_avx2;
  static constexpr auto scratch = attention_scratch_int16_avx2;
};

}  // namespace

void test_own_attentions() {
  if (has_avx2()) {
    test_attentions<Fp32Avx2>();
    test_attentions<Int16Avx2>();
  } else {
    std::puts("skipped: fp32 and int16 attention of AVX2");
  }
  if (has_avx512()) {
    test_attentions<Fp32>();
  } else {
    std::puts("skipped: fp32 attention needs AVX-512");
  }
  if (has_avx512_vnni()) {
    test_attentions<Int16>();
  } else {
    std::puts("skipped: int16 attention needs AVX-512 VNNI");
  }
  if (has_avx512_bf16()) {
    test_attentions<Bf16>();
  } else {
    std::puts("skipped: bf16 attention needs AVX-512 BF16");
  }
}

}  // namespace llm2clip::testing
