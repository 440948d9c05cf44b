#pragma once

namespace llm2clip::testing {

// The parts of network_test.cpp that have files of their own. Both run networks plainly on the host
// and compare what they give.

// text_network_test.cpp: what language models and adapters become, to the numbers of plain_text.h.
void test_text_interfaces();
void test_text_types();
void test_text_attention();
void test_llama();
void test_adapter();

// rope_network_test.cpp: towers of several rotary embeddings, to the numbers of ropes.h.
void test_text_ropes();
void test_image_ropes();

}  // namespace llm2clip::testing
