#include "attention_cases.h"

namespace llm2clip::testing {

void test_own_attentions() {}

}  // namespace llm2clip::testing
