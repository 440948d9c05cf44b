#include "base/cpu_features.h"

#include <cstdlib>

#include "base/error.h"
#include "base/isa_choices.h"

namespace llm2clip {
namespace {

std::string all_names() {
  std::string names;
  const auto choices = isa_choices();
  for (size_t i = 0; i < choices.size(); ++i) {
    if (i > 0) names += i + 1 < choices.size() ? ", " : " and ";
    names += choices[i].name;
  }
  return names;
}

Isa chosen_isa() {
  const char* wanted = std::getenv("LLM2CLIP_ISA");
  if (wanted == nullptr || *wanted == '\0') return best_isa();
  for (const auto& [name, isa] : isa_choices()) {
    if (std::string(wanted) == name && has_isa(isa)) return isa;
  }
  throw Error(ErrorCode::kDeviceUnavailable,
              "expected LLM2CLIP_ISA to name what this processor has of " + all_names() +
                  ", found " + std::string(wanted));
}

}  // namespace

Isa cpu_isa() {
  static const Isa isa = chosen_isa();
  return isa;
}

std::string isa_name(Isa isa) {
  for (const auto& [name, one] : isa_choices()) {
    if (one == isa) return name;
  }
  throw Error(ErrorCode::kInternal, "expected an instruction set that has a name");
}

}  // namespace llm2clip
