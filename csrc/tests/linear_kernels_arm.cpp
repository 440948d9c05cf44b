#include "linear_cases.h"

namespace llm2clip::testing {

void test_own_linears() {}

}  // namespace llm2clip::testing
