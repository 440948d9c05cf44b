#pragma once

namespace llm2clip::testing {

// What language models and adapters become, and what that means: run plainly, to the numbers of
// plain_text.h.
void test_text_interfaces();
void test_text_types();
void test_text_attention();
void test_llama();
void test_gate_alone();
void test_adapter();

}  // namespace llm2clip::testing
