#include "batch/text_list.h"

#include <string>

#include "base/error.h"

namespace llm2clip {
namespace {

void require(bool holds, const std::string& expected, int64_t found) {
  if (holds) return;
  throw Error(ErrorCode::kInvalidArg, "expected " + expected + ", found " + std::to_string(found));
}

}  // namespace

void check_text(std::span<const int32_t> ids, int64_t pooled, int64_t most) {
  const auto tokens = static_cast<int64_t>(ids.size());
  require(tokens >= 1 && tokens <= most, "1 to " + std::to_string(most) + " tokens", tokens);
  require(pooled >= 1 && pooled <= tokens, "a mean over 1 to " + std::to_string(tokens) + " tokens",
          pooled);
  for (const int32_t id : ids) require(id >= 0, "ids from 0 on", id);
}

void TextList::add(std::span<const int32_t> ids, int64_t pooled) {
  ids_.insert(ids_.end(), ids.begin(), ids.end());
  offsets_.push_back(static_cast<int32_t>(ids_.size()));
  pooled_.push_back(static_cast<int32_t>(pooled));
}

void TextList::clear() {
  ids_.clear();
  offsets_.resize(1);
  pooled_.clear();
}

}  // namespace llm2clip
