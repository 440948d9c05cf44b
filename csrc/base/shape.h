#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llm2clip {

using Shape = std::vector<int64_t>;

inline int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  return count;
}

// [batch, …one]
inline Shape batch_of(int64_t batch, Shape one) {
  one.insert(one.begin(), batch);
  return one;
}

// "[3, 224, 224]"
std::string to_string(const Shape& shape);

}  // namespace llm2clip
