#pragma once

namespace llm2clip {

// Compares the operation linear(), with the kernels of this processor, with sums in double.
void test_linear_operation();

}  // namespace llm2clip
