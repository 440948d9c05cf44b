#pragma once

namespace llm2clip::testing {

// Tests the networks of language models and adapters. They are computed on the host and compared
// with plain_text.h.
void test_text_interfaces();
void test_text_types();
void test_text_attention();
void test_llama();
void test_gate_alone();
void test_adapter();

}  // namespace llm2clip::testing
