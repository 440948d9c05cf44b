#pragma once

namespace llm2clip {

// The linears of integers over strips against plain loops: their sums are whole numbers, so that
// they are held to the last bit.
void test_exact_linears();

}  // namespace llm2clip
