#include <cstdio>

#include "base/cpu_features_arm.h"
#include "kernels/cpu/linear_arm.h"
#include "linear_exact_cases.h"
#include "linear_exact_test.h"

namespace llm2clip {

using testing::test_int8;

void test_exact_linears() {
  if (has_dotprod()) {
    test_int8<int8_t, int8_t>({"int8, NEON DotProd", linear_int8_neon_dotprod});
  } else {
    std::puts("skipped: linear in int8 needs DotProd");
  }
  if (has_i8mm()) {
    test_int8<int8_t, int8_t>({"int8, NEON I8MM", linear_int8_neon_i8mm, PanelForm::kInt8Eights});
  } else {
    std::puts("skipped: linear in int8 of 2 × 2 needs I8MM");
  }
}

}  // namespace llm2clip
