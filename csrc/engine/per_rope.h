#pragma once

#include <utility>
#include <vector>

#include "model/net.h"

namespace llm2clip {

// What a lowering made of each rotary embedding of a network. Blocks that turn by the same angles
// share it; angles are compared by their numbers.
template <typename Made>
class PerRope {
 public:
  // What was made of these angles before, or what make() makes of them now.
  template <typename Make>
  Made of(const Rope& rope, const Make& make) {
    for (const auto& [known, made] : made_) {
      if (known == rope) return made;
    }
    return made_.emplace_back(rope, make()).second;
  }

 private:
  std::vector<std::pair<Rope, Made>> made_;
};

}  // namespace llm2clip
