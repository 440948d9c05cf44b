#pragma once

namespace llm2clip::testing {

// The parts of network_test.cpp in files of their own. They run networks plainly on the host and
// compare the results.

// text_network_test.cpp: compares language models and adapters with plain_text.h.
void test_text_interfaces();
void test_text_types();
void test_text_attention();
void test_llama();
void test_gate_alone();
void test_adapter();

// rope_network_test.cpp: compares towers with several ropes with ropes.h.
void test_text_ropes();
void test_image_ropes();

}  // namespace llm2clip::testing
