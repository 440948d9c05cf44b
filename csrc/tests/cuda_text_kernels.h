#pragma once

namespace llm2clip::testing {

// The part of cuda_kernels_test.cpp that is about the text side's kernels.
void test_text_kernels();

}  // namespace llm2clip::testing
