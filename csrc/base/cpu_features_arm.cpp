#include "base/cpu_features_arm.h"

#include <sys/auxv.h>

#include <array>

#include "base/isa_choices.h"

namespace llm2clip {
namespace {

constexpr std::array kChoices{IsaChoice{"generic", Isa::kGeneric}, IsaChoice{"neon", Isa::kNeon},
                              IsaChoice{"neon_dotprod", Isa::kNeonDotprod},
                              IsaChoice{"neon_i8mm", Isa::kNeonI8mm},
                              IsaChoice{"neon_bf16", Isa::kNeonBf16}};

// Bits of Linux's AT_HWCAP and AT_HWCAP2. Headers of older systems lack the names of some.
constexpr unsigned long kHasCrc32 = 1UL << 7, kHasDotprod = 1UL << 20;
constexpr unsigned long kHasI8mm = 1UL << 13, kHasBf16 = 1UL << 14;

}  // namespace

bool has_crc32() { return (getauxval(AT_HWCAP) & kHasCrc32) != 0; }
bool has_dotprod() { return (getauxval(AT_HWCAP) & kHasDotprod) != 0; }
bool has_i8mm() { return (getauxval(AT_HWCAP2) & kHasI8mm) != 0; }
bool has_bf16() { return (getauxval(AT_HWCAP2) & kHasBf16) != 0; }

std::span<const IsaChoice> isa_choices() { return kChoices; }

bool has_isa(Isa isa) {
  switch (isa) {
    case Isa::kGeneric:
    case Isa::kNeon: return true;
    case Isa::kNeonDotprod: return has_dotprod();
    case Isa::kNeonI8mm: return has_dotprod() && has_i8mm();
    case Isa::kNeonBf16: return has_dotprod() && has_i8mm() && has_bf16();
    default: return false;
  }
}

Isa best_isa() {
  Isa best = Isa::kGeneric;
  for (const IsaChoice& choice : kChoices) {
    if (has_isa(choice.isa)) best = choice.isa;
  }
  return best;
}

std::vector<std::string> cpu_features() {
  std::vector<std::string> features{"neon"};
  if (has_dotprod()) features.emplace_back("dotprod");
  if (has_i8mm()) features.emplace_back("i8mm");
  if (has_bf16()) features.emplace_back("bf16");
  return features;
}

}  // namespace llm2clip
