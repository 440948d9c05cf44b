#pragma once

#include <cstdint>
#include <vector>

#include "model/net.h"
#include "tests/numbered_weights.h"

namespace llm2clip::testing {

// Two towers with four attentions each. The second attention has other angles than the first, in
// wider heads. The third has other angles in heads of the first width. The last has the angles of
// the first. So an engine must store three tables. Each tower comes with its expected output,
// computed plainly in double precision. The weights are from drawn().

inline constexpr int64_t kRopeWidth = 16;  // of both towers' output

// Texts have at most kRopeTokens tokens, with ids below kRopeVocabulary.
inline constexpr int64_t kRopeTokens = 12, kRopeVocabulary = 20;
Shapes text_rope_shapes();
Value text_ropes(Net& net, Weights& weights);
std::vector<double> plain_text_ropes(const std::vector<int32_t>& ids, int64_t pooled);

// Pixels [3, kRopeSize, kRopeSize].
inline constexpr int64_t kRopeSize = 8;
Shapes image_rope_shapes();
Value image_ropes(Net& net, Weights& weights);
std::vector<double> plain_image_ropes(const std::vector<float>& pixels);

}  // namespace llm2clip::testing
