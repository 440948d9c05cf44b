#pragma once

namespace llm2clip {

// Compares the integer linear kernels over strips with plain loops. Their sums are integers, so the
// results must be bit-identical.
void test_exact_linears();

}  // namespace llm2clip
