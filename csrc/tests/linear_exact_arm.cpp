#include "linear_exact_test.h"

namespace llm2clip {

void test_exact_linears() {}

}  // namespace llm2clip
