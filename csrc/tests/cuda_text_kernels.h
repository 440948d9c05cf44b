#pragma once

namespace llm2clip::testing {

// Tests the kernels of the text side. cuda_kernels_test.cpp calls it.
void test_text_kernels();

}  // namespace llm2clip::testing
