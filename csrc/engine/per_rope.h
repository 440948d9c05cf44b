#pragma once

#include <utility>
#include <vector>

#include "model/net.h"

namespace llm2clip {

// Caches what a lowering made from each rotary embedding of a network. Blocks with the same angles
// share the result. Angles are compared by value.
template <typename Made>
class PerRope {
 public:
  // Returns what was made from these angles before, or the result of make().
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
