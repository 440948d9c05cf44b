#include "attention_cases.h"

namespace llm2clip::testing {
namespace {

struct Neon {
  using T = float;
  static constexpr const char* kName = "fp32, NEON,";
  static constexpr float kTolerance = 2e-5F;
  static constexpr auto attention = attention_neon;
  static constexpr auto scratch = attention_scratch_neon;
};

}  // namespace

void test_own_attentions() { test_attentions<Neon>(); }

}  // namespace llm2clip::testing
