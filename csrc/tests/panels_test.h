#pragma once

namespace llm2clip {

// Tests where pack_panels() puts weights and their padding, that unpack_panel_plain() returns the
// numbers that were packed, and that unpack_panel_avx2() returns the same bits.
void test_panels();

}  // namespace llm2clip
