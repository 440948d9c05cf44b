#include "engine/text_slot.h"

#include <algorithm>
#include <string>

#include "base/error.h"

namespace llm2clip {
namespace {

constexpr int32_t kMostIds = 1 << 24;

void require(bool holds, const std::string& expected, int64_t found) {
  if (holds) return;
  throw Error(ErrorCode::kInvalidArg, "expected " + expected + ", found " + std::to_string(found));
}

}  // namespace

void write_text(std::span<const int32_t> ids, int64_t pooled, std::span<float> slot) {
  const auto tokens = static_cast<int64_t>(ids.size());
  const int64_t most = static_cast<int64_t>(slot.size()) - kTextHeader;
  require(tokens >= 1 && tokens <= most, "1 to " + std::to_string(most) + " tokens", tokens);
  require(pooled >= 1 && pooled <= tokens, "a mean over 1 to " + std::to_string(tokens) + " tokens",
          pooled);
  for (const int32_t id : ids) require(id >= 0 && id < kMostIds, "ids from 0 to 2^24 - 1", id);
  slot[0] = static_cast<float>(tokens);
  slot[1] = static_cast<float>(pooled);
  std::ranges::transform(ids, slot.begin() + kTextHeader,
                         [](int32_t id) { return static_cast<float>(id); });
}

}  // namespace llm2clip
